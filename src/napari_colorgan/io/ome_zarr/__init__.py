"""OME-Zarr: folders, zip files and addresses.

The `store` reads them, after the `codecs` that they name were checked; `url` opens addresses. The
`writer` fills a folder plane by plane, and replaces only what this program has written.
"""
