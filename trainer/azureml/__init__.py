"""Runs on Azure Machine Learning: submitting them, and being one. The only importer of its SDKs."""
