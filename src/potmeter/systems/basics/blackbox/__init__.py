"""The black box with potentiometers: a network so small that every knob can be turned by hand."""
