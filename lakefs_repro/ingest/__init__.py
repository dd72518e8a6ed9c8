"""Making versions: sources, plan, gate, publication; and releases of several."""
