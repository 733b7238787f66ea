"""An interpreter for an honest subset of Azure Pipelines YAML; whatever is outside is refused.

`source` reads, `expressions`, `functions` and `evaluate` are the expression language, `expand` and
`templates` do everything between `${{` and `}}`, `plan` and `steps` give frozen values, and
`results`, `variables` and `commands` hold the rules of a run. All of these are pure but for reading the
files; `runner`, `job`, `process`, `checkout` and `timeline` act.
"""
