"""Files to colour files: the request, the list of work, a file's way, and what is missing."""
