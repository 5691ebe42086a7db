"""The worked 3-2-2 network of chapter 01: twelve parameters, small enough to follow by hand."""

INPUTS = {"x1": 1.0, "x2": 4.0, "x3": 5.0}
TARGETS = {"y1": 0.1, "y2": 0.05}
PARAMS = {
    **{"w1": 0.1, "w2": 0.2, "w3": 0.3, "w4": 0.4, "w5": 0.5, "w6": 0.6},
    **{"w7": 0.7, "w8": 0.8, "w9": 0.9, "w10": 0.1, "b1": 0.5, "b2": 0.5},
}


def worked_network(p, x=INPUTS, y=TARGETS):
    """Every number of the network by name, from the first net input to the loss: eqs. (1.1), (1.3).

    p: the twelve parameters by name, as Values or as Duals; x, y: inputs and targets by name.
    """
    z_h1 = p["w1"] * x["x1"] + p["w3"] * x["x2"] + p["w5"] * x["x3"] + p["b1"]
    z_h2 = p["w2"] * x["x1"] + p["w4"] * x["x2"] + p["w6"] * x["x3"] + p["b1"]
    h1, h2 = z_h1.sigmoid(), z_h2.sigmoid()
    z_o1 = p["w7"] * h1 + p["w9"] * h2 + p["b2"]
    z_o2 = p["w8"] * h1 + p["w10"] * h2 + p["b2"]
    o1, o2 = z_o1.sigmoid(), z_o2.sigmoid()
    loss = ((o1 - y["y1"]) ** 2 + (o2 - y["y2"]) ** 2) * 0.5
    return dict(z_h1=z_h1, z_h2=z_h2, h1=h1, h2=h2, z_o1=z_o1, z_o2=z_o2, o1=o1, o2=o2, loss=loss)
