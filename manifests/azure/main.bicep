// Everything that the product needs, in one resource group. Not compiled: there was no Bicep compiler
// where this was written. See docs/how-to/deploy-to-azure.md, which says how to begin and what it costs.
//
//   az deployment group create -g rg-krsp -f manifests/azure/main.bicep -p manifests/azure/main.example.bicepparam
//
// Two passes: without `botImage` it makes everything but the bot (the registry must exist before an
// image can be pushed); with it, the bot too. `hasEvents` goes on once the bot answers.

targetScope = 'resourceGroup'

@description('Short name of this installation; letters and digits. Resources are named after it.')
@minLength(2)
@maxLength(10)
param name string = 'krsp'

@description('Region of everything. It needs quota for the clusters below.')
param location string = resourceGroup().location

@description('Tags of every resource, for the bill.')
param tags object = {
  product: 'krsp'
}

// ---- who -----------------------------------------------------------------------------------------

@description('Client id of the app registration: Teams, sign-in of people, API.')
param botAppId string

@description('How the bot is registered with the Bot Framework: SingleTenant (the app registration) or UserAssignedMSI (the managed identity).')
@allowed([
  'SingleTenant'
  'UserAssignedMSI'
])
param botAppType string = 'SingleTenant'

@description('Subject of the service connection krsp-training, as its page shows it. Empty: made later.')
param pipelineSubject string = ''

@description('Issuer of that service connection, as its page shows it.')
param pipelineIssuer string = ''

@description('Subject of the service connection krsp-production (promotions), as its page shows it. Empty: made later.')
param promotionSubject string = ''

@description('Issuer of that service connection, as its page shows it.')
param promotionIssuer string = ''

@description('Object id of an Entra group that may look into the database and restore it. Empty: nobody.')
param databaseAdminGroupId string = ''

@description('Name of that group.')
param databaseAdminGroupName string = ''

@description('Make the custom roles that lie on the subscription. Needs an owner of the subscription; false where one has made them before.')
param hasSubscriptionRoles bool = true

// ---- what the bot must know ----------------------------------------------------------------------

@description('Host name that people reach the bot at, without https://. Empty: the one that Azure gives.')
param customDomain string = ''

@description('Resource id of that name\'s certificate in the container environment.')
param certificateId string = ''

@description('Host name in links, cards, sign-in and Teams. Empty: the one that Azure gives (output publicHost).')
param publicHost string = customDomain

@description('Azure DevOps organisation: https://dev.azure.com/<organisation>.')
param devopsUrl string

@description('Azure DevOps project.')
param devopsProject string

@description('Number of the pipeline made of azure-pipelines/train.yml.')
param trainPipelineId int

@description('Number of the pipeline made of azure-pipelines/promote.yml.')
param promotePipelineId int

@description('Image of the bot by digest: <registry>/krsp-bot@sha256:<hash>. Empty: no bot yet.')
param botImage string = ''

@description('Image that jobs run, by digest. Needed together with botImage.')
param trainerImage string = ''

@description('Text of the policy file; loadTextContent in the .bicepparam. Prices of the clusters\' machines must be in it.')
param policy string

@description('Name of the service connection of train.yml.')
param serviceConnection string = 'krsp-training'

@description('Name of the service connection of promote.yml.')
param promoteConnection string = 'krsp-production'

@description('End of the new revision\'s name: lower-case letters, digits and -.')
param revisionSuffix string = 'first'

@description('Revision that answers until the new one is proven; deploy.yml sets it. Empty: the new one at once.')
param trafficRevision string = ''

@description('Further KRSP_* settings, name -> value, for example KRSP_LOG_LEVEL.')
param extraSettings object = {}

// ---- sizes ---------------------------------------------------------------------------------------

@description('GPU clusters: name, sku, priority (Dedicated or LowPriority), nodes (at most), idleMinutes. The mapping for the bot is manifests/azureml/clusters.yaml. They start with no node and cost nothing idle.')
param clusters array = [
  {
    name: 'cpu-small'
    sku: 'Standard_DS3_v2'
    priority: 'Dedicated'
    nodes: 2
    idleMinutes: 2
  }
  {
    name: 't4-low'
    sku: 'Standard_NC4as_T4_v3'
    priority: 'LowPriority'
    nodes: 4
    idleMinutes: 2
  }
  {
    name: 'a100'
    sku: 'Standard_NC24ads_A100_v4'
    priority: 'Dedicated'
    nodes: 2
    idleMinutes: 2
  }
]

@description('Replicas of the bot.')
param replicas int = 1

@description('Cores of a replica, as text.')
param botCpu string = '0.5'

@description('Memory of a replica; twice the cores in Gi.')
param botMemory string = '1Gi'

@description('Size of the database server.')
param databaseSku string = 'Standard_B1ms'

@description('Tier that this size belongs to.')
@allowed([
  'Burstable'
  'GeneralPurpose'
  'MemoryOptimized'
])
param databaseTier string = 'Burstable'

@description('Days back to which the database can be restored.')
param databaseBackupDays int = 14

@description('Keep database backups in the paired region too; cannot be changed later.')
param isDatabaseBackupGeoRedundant bool = false

@description('Keep a second database server in another zone; needs a GeneralPurpose size and doubles its price.')
param isDatabaseHighlyAvailable bool = false

@description('Redundancy of the storage account.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageSku string = 'Standard_LRS'

@description('Days that a deleted blob can be brought back.')
param undeleteDays int = 14

@description('Registry\'s size.')
@allowed([
  'Basic'
  'Standard'
  'Premium'
])
param registrySku string = 'Basic'

@description('F0 or S1 of the Bot Service; Teams is free in both.')
@allowed([
  'F0'
  'S1'
])
param botServiceSku string = 'F0'

@description('Address space of the network.')
param networkPrefix string = '10.42.0.0/22'

@description('Subnet of the container environment.')
param appPrefix string = '10.42.0.0/23'

@description('Subnet of the database.')
param databasePrefix string = '10.42.2.0/28'

// ---- watching ------------------------------------------------------------------------------------

@description('Make the Event Grid subscription; only once the bot answers at publicHost.')
param hasEvents bool = false

@description('Addresses that alerts and budget tell.')
param alertEmails array

@description('More jobs than this entering the queue within an hour is told.')
param queueLimit int = 20

@description('Budget a month, in the currency of the subscription.')
param budget int

@description('First day of a month from which the budget counts, yyyy-MM-01; never change it later.')
param budgetStart string

@description('Days that log lines are kept.')
param logDays int = 31

@description('Gigabytes of log lines a day at most.')
param logDailyGb int = 1

var suffix = '${name}-${take(uniqueString(resourceGroup().id), 5)}'
var hasBot = !empty(botImage)

module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    location: location
    suffix: suffix
    tags: tags
    pipelineSubject: pipelineSubject
    pipelineIssuer: pipelineIssuer
    promotionSubject: promotionSubject
    promotionIssuer: promotionIssuer
  }
}

module network 'modules/network.bicep' = {
  name: 'network'
  params: {
    location: location
    suffix: suffix
    tags: tags
    addressPrefix: networkPrefix
    appPrefix: appPrefix
    databasePrefix: databasePrefix
  }
}

module logs 'modules/logs.bicep' = {
  name: 'logs'
  params: {
    location: location
    suffix: suffix
    tags: tags
    retentionDays: logDays
    dailyCapGb: logDailyGb
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  params: {
    location: location
    suffix: suffix
    tags: tags
    sku: registrySku
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    location: location
    suffix: suffix
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    suffix: suffix
    tags: tags
    sku: storageSku
    undeleteDays: undeleteDays
    logsId: logs.outputs.logsId
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  params: {
    location: location
    suffix: suffix
    tags: tags
    subnetId: network.outputs.databaseSubnetId
    zoneId: network.outputs.databaseZoneId
    bot: identities.outputs.bot
    adminGroupId: databaseAdminGroupId
    adminGroupName: databaseAdminGroupName
    sku: databaseSku
    tier: databaseTier
    backupDays: databaseBackupDays
    isBackupGeoRedundant: isDatabaseBackupGeoRedundant
    isHighlyAvailable: isDatabaseHighlyAvailable
    logsId: logs.outputs.logsId
  }
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    location: location
    suffix: suffix
    tags: tags
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    registryId: registry.outputs.id
    insightsId: logs.outputs.insightsId
    logsId: logs.outputs.logsId
    computeIdentityId: identities.outputs.compute.id
    clusters: clusters
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    suffix: suffix
    workspaceName: workspace.outputs.name
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    registryName: registry.outputs.name
    endpointIdentityName: identities.outputs.endpoint.name
    principals: {
      bot: identities.outputs.bot.principalId
      pipeline: identities.outputs.pipeline.principalId
      promotion: identities.outputs.promotion.principalId
      compute: identities.outputs.compute.principalId
      endpoint: identities.outputs.endpoint.principalId
    }
  }
}

module subscriptionRoles 'modules/subscription-roles.bicep' = if (hasSubscriptionRoles) {
  name: 'roles-${suffix}'
  scope: subscription()
  params: {
    suffix: suffix
    principals: {
      bot: identities.outputs.bot.principalId
      pipeline: identities.outputs.pipeline.principalId
      promotion: identities.outputs.promotion.principalId
    }
  }
}

module app 'modules/app.bicep' = if (hasBot) {
  name: 'app'
  params: {
    location: location
    suffix: suffix
    tags: tags
    subnetId: network.outputs.appSubnetId
    logsId: logs.outputs.logsId
    identity: identities.outputs.bot
    registryServer: registry.outputs.server
    image: botImage
    revisionSuffix: revisionSuffix
    trafficRevision: trafficRevision
    vaultUri: vault.outputs.uri
    policy: policy
    publicHost: publicHost
    customDomain: customDomain
    certificateId: certificateId
    replicas: replicas
    cpu: botCpu
    memory: botMemory
    secrets: {
      KRSP_GRANT_KEY: 'grant-key'
      KRSP_SESSION_KEY: 'session-key'
      KRSP_HOOKS_PASSWORD: 'hooks-password'
    }
    settings: union({
      KRSP_PROFILE: 'azure'
      KRSP_HOST: '0.0.0.0'
      KRSP_PORT: '3978'
      KRSP_HOME: '/var/lib/krsp'
      KRSP_DATABASE_URL: database.outputs.url
      KRSP_TENANT_ID: tenant().tenantId
      KRSP_SUBSCRIPTION_ID: subscription().subscriptionId
      KRSP_RESOURCE_GROUP: resourceGroup().name
      KRSP_WORKSPACE: workspace.outputs.name
      KRSP_BOT_APP_ID: botAppId
      KRSP_CREDENTIAL: 'managed_identity'
      KRSP_IDENTITY_CLIENT_ID: identities.outputs.bot.clientId
      KRSP_DEVOPS_URL: devopsUrl
      KRSP_DEVOPS_PROJECT: devopsProject
      KRSP_TRAIN_PIPELINE_ID: string(trainPipelineId)
      KRSP_PROMOTE_PIPELINE_ID: string(promotePipelineId)
      KRSP_TRAINER_IMAGE: trainerImage
      KRSP_SIGN_IN: 'entra'
      KRSP_SERVICE_CONNECTION: serviceConnection
      KRSP_PROMOTE_CONNECTION: promoteConnection
      KRSP_SERVICE_CLIENTS: identities.outputs.pipeline.clientId
      KRSP_EVENTS_AUDIENCE: botAppId
    }, extraSettings)
  }
  dependsOn: [
    roles
  ]
}

module registration 'modules/bot-registration.bicep' = if (hasBot) {
  name: 'registration'
  params: {
    suffix: suffix
    tags: tags
    displayName: 'KRSP'
    publicHost: hasBot ? app.outputs.publicHost : ''
    appType: botAppType
    appId: botAppId
    identity: identities.outputs.bot
    sku: botServiceSku
  }
}

module events 'modules/events.bicep' = {
  name: 'events'
  params: {
    location: location
    suffix: suffix
    tags: tags
    workspaceId: workspace.outputs.id
    publicHost: hasBot ? app.outputs.publicHost : ''
    appId: botAppId
    isSubscribed: hasBot && hasEvents
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    location: location
    suffix: suffix
    tags: tags
    emails: alertEmails
    appId: hasBot ? resourceId('Microsoft.App/containerApps', 'ca-${suffix}') : ''
    workspaceId: workspace.outputs.id
    topicId: events.outputs.id
    logsId: logs.outputs.logsId
    queueLimit: queueLimit
    budget: budget
    budgetStart: budgetStart
  }
  dependsOn: [
    app
  ]
}

@description('Registry that images are pushed to.')
output registry string = registry.outputs.name

@description('Key Vault that the three secrets go into.')
output vault string = vault.outputs.name

@description('Workspace.')
output workspace string = workspace.outputs.name

@description('Container app; it and its job exist once botImage is given.')
output app string = 'ca-${suffix}'

@description('Host name that people and Teams reach the bot at; empty without botImage.')
output publicHost string = hasBot ? app.outputs.publicHost : ''

@description('Job that migrates the store.')
output migration string = 'caj-migrate-${suffix}'

@description('Client id of the identity for the service connection krsp-training.')
output pipelineClientId string = identities.outputs.pipeline.clientId

@description('Client id of the identity for the service connection krsp-production.')
output promotionClientId string = identities.outputs.promotion.clientId

@description('Object id of the bot\'s identity, to be added to Azure DevOps.')
output botPrincipalId string = identities.outputs.bot.principalId

@description('Client id of the bot\'s identity, for the federated credential of the app registration.')
output botClientId string = identities.outputs.bot.clientId

@description('Resource id of the identity that endpoints run as.')
output endpointIdentity string = identities.outputs.endpoint.id
