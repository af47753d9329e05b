"""The pages of the drill's sites, filled by ``monitor.drill.paper``."""
