"""How dates and times are written in each language, on every page and in every file. Django looks here first
(`FORMAT_MODULE_PATH`); what is missing is as Django has it."""
