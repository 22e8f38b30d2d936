"""Models as files, their cards, and the folders that hold them.

`store.ModelLibrary` is the door: it finds models by name, loads them, and adds, renames, exports
and deletes the user's own. A model is one .safetensors file with its weights and, in its metadata,
its card (`card.ModelCard`). `file_format` reads, checks and writes such files as bytes, without
torch, so that listing models stays fast; `model_file` turns them into generators and back.
`folders` and `inventory` list what there is, and `pages` describes it in markdown.
"""
