// Container registry of the bot's and the trainer's image. No admin user, no anonymous pull.

@description('Region.')
param location string

@description('Names of the resources end in this.')
param suffix string

@description('Tags of every resource.')
param tags object

@description('Basic is enough for two images; Premium adds private endpoints, retention and quarantine.')
@allowed([
  'Basic'
  'Standard'
  'Premium'
])
param sku string

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: 'cr${replace(suffix, '-', '')}'
  location: location
  tags: tags
  sku: {
    name: sku
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

@description('Registry.')
output id string = registry.id

@description('Its name.')
output name string = registry.name

@description('Host name of its images.')
output server string = registry.properties.loginServer
