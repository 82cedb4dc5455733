"""What people ask of views and log: each file answers with the documents of queries.md, as plain dicts."""
