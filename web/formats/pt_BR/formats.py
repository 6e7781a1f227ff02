"""Brazilian Portuguese."""

DATETIME_FORMAT = "d/m/Y H:i"  # Django's is "29 de Novembro de 2026 às 14:32", which is long and has a wrong capital.
