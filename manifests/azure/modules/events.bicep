// Azure ML tells the bot that a job has ended. A hint only: the bot polls all the same.

@description('Region of the workspace: a system topic must lie there.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Workspace that tells.')
param workspaceId string

@description('Host name of the bot.')
param publicHost string

@description('Client id of the app registration whose role AzureEventGridSecureWebhookSubscriber Event Grid has (docs/how-to/deploy-to-azure.md).')
param appId string

@description('Make the subscription. Event Grid shakes hands with the running bot, so not before the first revision answers.')
param isSubscribed bool

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${suffix}'
  location: location
  tags: tags
  properties: {
    source: workspaceId
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = if (isSubscribed) {
  parent: topic
  name: 'krsp-bot'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${publicHost}/hooks/azure-ml'
        azureActiveDirectoryTenantId: tenant().tenantId
        azureActiveDirectoryApplicationIdOrUri: appId
        maxEventsPerBatch: 10
        preferredBatchSizeInKilobytes: 64
      }
    }
    filter: {
      includedEventTypes: [
        'Microsoft.MachineLearningServices.RunCompleted'
        'Microsoft.MachineLearningServices.RunStatusChanged'
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 10
      // Older news is of no use: the bot has polled it meanwhile.
      eventTimeToLiveInMinutes: 60
    }
  }
}

@description('System topic.')
output id string = topic.id
