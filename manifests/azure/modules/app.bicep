// The bot as a container app, and the job that migrates its store.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Subnet delegated to container environments.')
param subnetId string

@description('Log Analytics workspace.')
param logsId string

@description('The bot: id and clientId of its identity.')
param identity object

@description('Host name of the registry.')
param registryServer string

@description('Image by digest: <registry>/krsp-bot@sha256:<hash>.')
param image string

@description('Name of the new revision ends in this; lower-case letters, digits and -.')
param revisionSuffix string

@description('Name of the revision that answers until the new one is proven. Empty: the new one at once (first deployment).')
param trafficRevision string

@description('Address of the Key Vault, with a slash at the end.')
param vaultUri string

@description('KRSP_* settings that are no secrets: name -> value.')
param settings object

@description('Secrets in the Key Vault: name of the setting -> name of the secret.')
param secrets object

@description('The policy file: who may spend what. It is no secret; each change is a deployment, so that it is reviewed.')
param policy string

@description('Host name in links, cards and sign-in. Empty: the one that Azure gives.')
param publicHost string

@description('Host name of your own; empty: the one that Azure gives.')
param customDomain string

@description('Certificate of that host name in the container environment.')
param certificateId string

@description('Replicas. One is enough for a team, and another starts within a minute; two share the work by leases in PostgreSQL.')
@minValue(1)
@maxValue(5)
param replicas int

@description('Cores of a replica, as text.')
param cpu string

@description('Memory of a replica; twice the cores in Gi.')
param memory string

var port = 3978
var appName = 'ca-${suffix}'
var reachedAt = empty(publicHost) ? '${appName}.${host.properties.defaultDomain}' : publicHost
var plainSettings = [for setting in items(settings): {
  name: setting.key
  value: string(setting.value)
}]
var secretSettings = [for secret in items(secrets): {
  name: secret.key
  secretRef: secret.value
}]
var vaultSecrets = [for secret in items(secrets): {
  name: secret.value
  keyVaultUrl: '${vaultUri}secrets/${secret.value}'
  identity: identity.id
}]
var environmentSettings = concat(plainSettings, secretSettings, [
  {
    name: 'AZURE_CLIENT_ID'
    value: identity.clientId
  }
  {
    name: 'KRSP_PUBLIC_URL'
    value: 'https://${reachedAt}'
  }
  {
    name: 'KRSP_POLICY_FILE'
    value: '/etc/krsp/policy.yaml'
  }
])
var allSecrets = concat(vaultSecrets, [
  {
    name: 'policy'
    value: policy
  }
])
var volumes = [
  {
    name: 'home'
    storageType: 'EmptyDir'
  }
  {
    name: 'policy'
    storageType: 'Secret'
    secrets: [
      {
        secretRef: 'policy'
        path: 'policy.yaml'
      }
    ]
  }
]
var volumeMounts = [
  {
    volumeName: 'home'
    mountPath: '/var/lib/krsp'
  }
  {
    volumeName: 'policy'
    mountPath: '/etc/krsp'
  }
]

resource host 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: 'cae-${suffix}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    vnetConfiguration: {
      infrastructureSubnetId: subnetId
      internal: false
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    zoneRedundant: false
  }
}

resource lines 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: host
  name: 'to-logs'
  properties: {
    workspaceId: logsId
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: appName
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: host.id
    workloadProfileName: 'Consumption'
    configuration: {
      // The old revision goes on answering until deploy.yml has proven the new one.
      activeRevisionsMode: 'Multiple'
      maxInactiveRevisions: 5
      ingress: {
        external: true
        allowInsecure: false
        targetPort: port
        transport: 'auto'
        traffic: [
          empty(trafficRevision) ? {
            latestRevision: true
            weight: 100
          } : {
            revisionName: trafficRevision
            weight: 100
          }
        ]
        customDomains: empty(customDomain) ? [] : [
          {
            name: customDomain
            certificateId: certificateId
            bindingType: 'SniEnabled'
          }
        ]
      }
      registries: [
        {
          server: registryServer
          identity: identity.id
        }
      ]
      secrets: allSecrets
    }
    template: {
      revisionSuffix: revisionSuffix
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: 'bot'
          image: image
          env: environmentSettings
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          volumeMounts: volumeMounts
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: port
              }
              // Two minutes to start in: 10 failures are the most that the platform allows.
              periodSeconds: 12
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: port
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: port
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: replicas
        maxReplicas: replicas
      }
      volumes: volumes
    }
  }
}

// `serve` never migrates (docs/decisions/0008-serve-never-migrates.md): deploy.yml starts this first.
resource migration 'Microsoft.App/jobs@2024-03-01' = {
  name: 'caj-migrate-${suffix}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: host.id
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 900
      replicaRetryLimit: 0
      manualTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
      }
      registries: [
        {
          server: registryServer
          identity: identity.id
        }
      ]
      secrets: allSecrets
    }
    template: {
      containers: [
        {
          name: 'migrate'
          image: image
          command: [
            'python'
            '-m'
            'bot'
            'migrate'
          ]
          env: environmentSettings
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          volumeMounts: volumeMounts
        }
      ]
      volumes: volumes
    }
  }
}

@description('Container app.')
output id string = app.id

@description('Its name.')
output name string = app.name

@description('Name of the job that migrates the store.')
output migrationName string = migration.name

@description('Host name in links, cards and sign-in.')
output publicHost string = reachedAt
