"""Auto AI Router: the control plane. Brings a RouterConfig into running routers."""
