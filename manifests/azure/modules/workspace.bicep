// Azure Machine Learning: workspace and GPU clusters. Datastores carry no keys.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Storage account of data, code and outputs.')
param storageId string

@description('Key Vault of the workspace (it keeps secrets of datastores there, of which we make none).')
param vaultId string

@description('Container registry of the images.')
param registryId string

@description('Application Insights.')
param insightsId string

@description('Log Analytics workspace.')
param logsId string

@description('Resource id of the identity that training runs as.')
param computeIdentityId string

@description('Clusters: name, sku, priority (Dedicated or LowPriority), nodes (at most), idleMinutes until an idle node is given back.')
param clusters array

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' = {
  name: 'mlw-${suffix}'
  location: location
  tags: tags
  kind: 'Default'
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    friendlyName: 'KRSP'
    storageAccount: storageId
    keyVault: vaultId
    containerRegistry: registryId
    applicationInsights: insightsId
    systemDatastoresAuthMode: 'Identity'
    publicNetworkAccess: 'Enabled'
    v1LegacyMode: false
    hbiWorkspace: false
  }
}

resource cluster 'Microsoft.MachineLearningServices/workspaces/computes@2025-12-01' = [for one in clusters: {
  parent: workspace
  name: one.name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${computeIdentityId}': {}
    }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: one.sku
      vmPriority: one.priority
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: one.nodes
        nodeIdleTimeBeforeScaleDown: 'PT${one.idleMinutes}M'
      }
    }
  }
}]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workspace
  name: 'to-logs'
  properties: {
    workspaceId: logsId
    logs: [
      {
        category: 'AmlComputeClusterEvent'
        enabled: true
      }
      {
        category: 'AmlComputeJobEvent'
        enabled: true
      }
    ]
  }
}

@description('Workspace.')
output id string = workspace.id

@description('KRSP_WORKSPACE.')
output name string = workspace.name
