"""REST, event stream and static files for the client, and health for operators."""
