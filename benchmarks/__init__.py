"""How fast Xingwei is: one module per benchmark over a shared frame. `./bench NAME` runs one."""
