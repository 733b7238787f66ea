// Rights whose paths lie above any resource group: quota, and results of long operations.

targetScope = 'subscription'

@description('Names of the roles end in this, since they are unique in a tenant.')
param suffix string

@description('Object ids: identity -> principal.')
param principals object

var roles = loadJsonContent('../roles.json').subscription

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for role in items(roles): {
  name: guid(subscription().id, suffix, role.key)
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
      subscription().id
    ]
  }
}]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(roles): {
  name: guid(subscription().id, suffix, role.key, 'assignment')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, suffix, role.key))
    principalId: principals[split(role.key, '_')[0]]
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    definition
  ]
}]
