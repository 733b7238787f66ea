// What a person on call is woken for, and what the owner of the budget is told.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Addresses that are told.')
param emails array

@description('Container app of the bot; empty: not there yet, no alert on it.')
param appId string

@description('Workspace.')
param workspaceId string

@description('System topic.')
param topicId string

@description('Log Analytics workspace with the lines of the bot.')
param logsId string

@description('More jobs than this entering the queue within an hour is a queue too long.')
param queueLimit int

@description('Money a month, in the currency of the subscription, at which 80 % (actual) and 100 % (forecast) are told. It stops nothing: the policy file limits what is asked for.')
param budget int

@description('First day of a month from which the budget counts, yyyy-MM-01; never change it later.')
param budgetStart string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'krsp'
    enabled: true
    emailReceivers: [for email in emails: {
      name: email
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource botDown 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(appId)) {
  name: 'bot-down-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: 'No replica of the bot runs. Cards stand still; jobs go on. docs/how-to/deploy-to-azure.md, "The bot is down".'
    severity: 1
    enabled: true
    scopes: [
      appId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'replicas'
          metricNamespace: 'Microsoft.App/containerapps'
          metricName: 'Replicas'
          timeAggregation: 'Maximum'
          operator: 'LessThan'
          threshold: 1
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

resource botRestarts 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(appId)) {
  name: 'bot-restarts-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The bot starts again and again: a setting is wrong, the store is of another version, or it runs out of memory.'
    severity: 1
    enabled: true
    scopes: [
      appId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'restarts'
          metricNamespace: 'Microsoft.App/containerapps'
          metricName: 'RestartCount'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: 3
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

resource eventsLost 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'events-fail-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid cannot deliver to the bot. Runs go on by polling, only slower.'
    severity: 3
    enabled: true
    scopes: [
      topicId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'failed'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeliveryAttemptFailCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 10
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

resource queueLong 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'queue-long-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Many jobs entered the queue within an hour: quota used up, or low-priority nodes are not to be had.'
    severity: 3
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'queued'
          metricNamespace: 'Microsoft.MachineLearningServices/workspaces'
          metricName: 'Queued Runs'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: queueLimit
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

// Azure DevOps disables a service hook that fails too often; the bot polls that state and logs it.
resource hooksDisabled 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = if (!empty(appId)) {
  name: 'hooks-${suffix}'
  location: location
  tags: tags
  properties: {
    displayName: 'A service hook fails or was disabled'
    description: 'Repair with `python -m bot hooks ensure`.'
    severity: 3
    enabled: true
    scopes: [
      logsId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'ContainerAppConsoleLogs | where Log matches regex @"(WARNING|ERROR)\\s+bot\\.\\S*hook"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}

resource money 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'budget-${suffix}'
  properties: {
    category: 'Cost'
    amount: budget
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      actual80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
      }
    }
  }
}
