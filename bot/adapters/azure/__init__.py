"""The azure profile: the only importer of Azure's SDKs in the bot."""
