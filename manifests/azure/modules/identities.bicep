// The product's managed identities. None has a secret.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Subject of the Azure DevOps service connection, as its page shows it: /eid1/... or sc://<organisation>/<project>/<connection>. Empty: no federation yet.')
param pipelineSubject string

@description('Issuer of the service connection, as its page shows it.')
param pipelineIssuer string

@description('Subject of the service connection krsp-production. Empty: no federation yet.')
param promotionSubject string

@description('Issuer of that service connection.')
param promotionIssuer string

resource bot 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-bot-${suffix}'
  location: location
  tags: tags
}

resource pipeline 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-pipeline-${suffix}'
  location: location
  tags: tags
}

resource promotion 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-promotion-${suffix}'
  location: location
  tags: tags
}

resource compute 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-compute-${suffix}'
  location: location
  tags: tags
}

resource endpoint 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-endpoint-${suffix}'
  location: location
  tags: tags
}

// Azure DevOps proves to Entra ID who it is, so that the service connection needs no secret.
resource federation 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(pipelineSubject)) {
  parent: pipeline
  name: 'azure-devops'
  properties: {
    issuer: pipelineIssuer
    subject: pipelineSubject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

resource promotionFederation 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(promotionSubject)) {
  parent: promotion
  name: 'azure-devops'
  properties: {
    issuer: promotionIssuer
    subject: promotionSubject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

@description('The bot: resource id, client id and object id.')
output bot object = {
  id: bot.id
  name: bot.name
  clientId: bot.properties.clientId
  principalId: bot.properties.principalId
}

@description('The pipelines: resource id, client id and object id.')
output pipeline object = {
  id: pipeline.id
  name: pipeline.name
  clientId: pipeline.properties.clientId
  principalId: pipeline.properties.principalId
}

@description('Promotions: resource id, client id and object id.')
output promotion object = {
  id: promotion.id
  name: promotion.name
  clientId: promotion.properties.clientId
  principalId: promotion.properties.principalId
}

@description('The GPU clusters: resource id, client id and object id.')
output compute object = {
  id: compute.id
  name: compute.name
  clientId: compute.properties.clientId
  principalId: compute.properties.principalId
}

@description('The online endpoints: resource id, client id and object id.')
output endpoint object = {
  id: endpoint.id
  name: endpoint.name
  clientId: endpoint.properties.clientId
  principalId: endpoint.properties.principalId
}
