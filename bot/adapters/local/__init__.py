"""The local profile: pipelines and jobs as child processes of one machine, without Azure."""
