"""An interpreter for an honest subset of Azure Pipelines YAML; whatever is outside is refused.

`source` reads. `expressions`, `values`, `functions` and `evaluate` are the expression language.
`texts`, `parameters` and `expand` do everything between `${{` and `}}`. `plan` and `steps` give
frozen values; `status`, `variables` and `commands` hold the rules of a run. These are pure, but
for reading the files. `runner`, `job_runner`, `process`, `workspace` and `timeline` act.
"""
