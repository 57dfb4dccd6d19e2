"""Reading projects from files: a file in, an import plan out; nothing is written here.

``reader.read_file`` reads a workbook, a CSV or a JSON dump; ``samples.sample_projects`` gives the
sandbox its first fifty projects; ``ids`` makes a project id from a name.
"""
