"""Instruments for any system with the fitting capability: they attack it or look inside."""
