// Copy to main.<installation>.bicepparam and fill in. Nothing in here is secret.
using 'main.bicep'

param name = 'krsp'
param botAppId = '00000000-0000-0000-0000-000000000000'
param devopsUrl = 'https://dev.azure.com/<organisation>'
param devopsProject = 'training'
param trainPipelineId = 1
param promotePipelineId = 2
param policy = loadTextContent('policy.example.yaml')
param alertEmails = [
  'oncall@example.com'
]
param budget = 2000
param budgetStart = '2026-12-01'
