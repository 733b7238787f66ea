// The Bot Framework's entry for the bot: where Teams sends activities, and as whom it signs them.

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Name that people see.')
param displayName string

@description('Host name that people and Teams reach the bot at.')
param publicHost string

@description('SingleTenant: the app registration that also signs people in; the bot proves itself with a federated credential of its managed identity. UserAssignedMSI: the managed identity alone is the bot.')
@allowed([
  'SingleTenant'
  'UserAssignedMSI'
])
param appType string

@description('Client id of the app registration, for SingleTenant.')
param appId string

@description('The bot: id and clientId of its identity.')
param identity object

@description('F0 is free for Teams. S1 costs nothing for Teams either and carries an SLA.')
@allowed([
  'F0'
  'S1'
])
param sku string

resource registration 'Microsoft.BotService/botServices@2022-09-15' = {
  name: 'bot-${suffix}'
  location: 'global'
  tags: tags
  kind: 'azurebot'
  sku: {
    name: sku
  }
  properties: {
    displayName: displayName
    description: 'Trains language models from chat.'
    endpoint: 'https://${publicHost}/api/messages'
    msaAppType: appType
    msaAppId: appType == 'SingleTenant' ? appId : identity.clientId
    msaAppTenantId: tenant().tenantId
    msaAppMSIResourceId: appType == 'SingleTenant' ? null : identity.id
    disableLocalAuth: true
    isCmekEnabled: false
    publicNetworkAccess: 'Enabled'
    schemaTransformationVersion: '1.3'
  }
}

resource teams 'Microsoft.BotService/botServices/channels@2022-09-15' = {
  parent: registration
  name: 'MsTeamsChannel'
  location: 'global'
  properties: {
    channelName: 'MsTeamsChannel'
    properties: {
      isEnabled: true
      acceptedTerms: true
      deploymentEnvironment: 'CommercialDeployment'
    }
  }
}

@description('Registration.')
output id string = registration.id
