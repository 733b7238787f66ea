// PostgreSQL for the bot's store: Entra tokens only, private address only.
//
// The bot connects to port 5432 directly. PgBouncer (6432) breaks LISTEN/NOTIFY, by which replicas
// wake each other, so it stays off.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Delegated subnet.')
param subnetId string

@description('Private DNS zone, linked to the network.')
param zoneId string

@description('The bot: the server is its alone, so it is the administrator, and its own migrations need no second account.')
param bot object

@description('Object id of an Entra group of people who may restore and look into the database. Empty: nobody.')
param adminGroupId string

@description('Name of that group.')
param adminGroupName string

@description('Size of the server. Standard_B1ms is enough for a team; HA needs a GeneralPurpose size.')
param sku string

@description('Tier that the size belongs to.')
@allowed([
  'Burstable'
  'GeneralPurpose'
  'MemoryOptimized'
])
param tier string

@description('Days back to which the database can be restored.')
@minValue(7)
@maxValue(35)
param backupDays int

@description('Keep backups in the paired region too. Cannot be changed later.')
param isBackupGeoRedundant bool

@description('Keep a second server in another zone; doubles the price.')
param isHighlyAvailable bool

@description('Log Analytics workspace.')
param logsId string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: 'psql-${suffix}'
  location: location
  tags: tags
  sku: {
    name: sku
    tier: tier
  }
  properties: {
    version: '16'
    createMode: 'Default'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zoneId
    }
    storage: {
      storageSizeGB: 32
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupDays
      geoRedundantBackup: isBackupGeoRedundant ? 'Enabled' : 'Disabled'
    }
    highAvailability: {
      mode: isHighlyAvailable ? 'ZoneRedundant' : 'Disabled'
    }
  }
}

resource store 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'krsp'
  properties: {
    charset: 'UTF8'
    collation: 'en_US.utf8'
  }
}

resource botAdministrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: bot.principalId
  properties: {
    principalName: bot.name
    principalType: 'ServicePrincipal'
    tenantId: tenant().tenantId
  }
  dependsOn: [
    store
  ]
}

// One change of the server at a time: a second one is refused while the first runs.
resource people 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = if (!empty(adminGroupId)) {
  parent: server
  name: adminGroupId
  properties: {
    principalName: adminGroupName
    principalType: 'Group'
    tenantId: tenant().tenantId
  }
  dependsOn: [
    botAdministrator
  ]
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: server
  name: 'to-logs'
  properties: {
    workspaceId: logsId
    logs: [
      {
        category: 'PostgreSQLLogs'
        enabled: true
      }
    ]
  }
}

@description('Server.')
output id string = server.id

@description('KRSP_DATABASE_URL: no password, since the bot asks for a token at each connection.')
output url string = 'postgresql://${bot.name}@${server.properties.fullyQualifiedDomainName}:5432/${store.name}?sslmode=verify-full'
