"""The panel in which people judge colorizations without knowing whose they are."""
