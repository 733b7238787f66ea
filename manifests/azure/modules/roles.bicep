// Who may do what. The lists come from roles.json, which `python -m manifests.azure.roles` makes of
// roles.yaml; each call that needs a right is named there.

@description('Names of the roles end in this, since they are unique in a tenant.')
param suffix string

@description('Object ids: identity -> principal.')
param principals object

@description('Name of the workspace.')
param workspaceName string

@description('Name of the storage account.')
param storageName string

@description('Name of the Key Vault.')
param vaultName string

@description('Name of the registry.')
param registryName string

@description('Name of the identity of endpoints.')
param endpointIdentityName string

var roles = loadJsonContent('../roles.json').resourceGroup
var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var vaultSecretsUser = '4633458b-17de-408a-b875-0445c86b69e6'

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource endpointIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: endpointIdentityName
}

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for role in items(roles): {
  name: guid(resourceGroup().id, suffix, role.key)
  properties: {
    roleName: '${role.value.name} (${suffix})'
    description: 'Made by manifests/azure from roles.yaml; edit there.'
    type: 'CustomRole'
    permissions: [
      {
        actions: role.value.actions
        notActions: []
        dataActions: role.value.dataActions
        notDataActions: []
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}]

resource botOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, suffix, 'bot_workspace')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'bot_workspace'))
    principalId: principals.bot
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource botOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, suffix, 'bot_storage')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'bot_storage'))
    principalId: principals.bot
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource pipelineOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, suffix, 'pipeline_workspace')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'pipeline_workspace'))
    principalId: principals.pipeline
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource pipelineOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, suffix, 'pipeline_storage')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'pipeline_storage'))
    principalId: principals.pipeline
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource promotionOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, suffix, 'promotion_workspace')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'promotion_workspace'))
    principalId: principals.promotion
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource promotionOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, suffix, 'promotion_storage')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'promotion_storage'))
    principalId: principals.promotion
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource promotionOnEndpointIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: endpointIdentity
  name: guid(endpointIdentity.id, suffix, 'promotion_endpointIdentity')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'promotion_endpointIdentity'))
    principalId: principals.promotion
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource computeOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, suffix, 'compute_workspace')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'compute_workspace'))
    principalId: principals.compute
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource computeOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, suffix, 'compute_storage')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'compute_storage'))
    principalId: principals.compute
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource endpointOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, suffix, 'endpoint_storage')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(resourceGroup().id, suffix, 'endpoint_storage'))
    principalId: principals.endpoint
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}

resource botOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, suffix, 'bot', vaultSecretsUser)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', vaultSecretsUser)
    principalId: principals.bot
    principalType: 'ServicePrincipal'
  }
}

resource botOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, suffix, 'bot', acrPull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    principalId: principals.bot
    principalType: 'ServicePrincipal'
  }
}

resource computeOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, suffix, 'compute', acrPull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    principalId: principals.compute
    principalType: 'ServicePrincipal'
  }
}

resource endpointOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, suffix, 'endpoint', acrPull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    principalId: principals.endpoint
    principalType: 'ServicePrincipal'
  }
}
