"""An LSTM layer for the tests of the witness: a module with nested states and thousands of parameters."""

import numpy as np

from utils.nn.activations import sigmoid


def lstm(params, x, state):
    """x: (T, B, in); state: two arrays (1, B, H); parameters and gate order of a one-layer nn.LSTM."""
    w_x, w_h, b = params["weight_ih_l0"], params["weight_hh_l0"], params["bias_ih_l0"] + params["bias_hh_l0"]
    h, c = state[0][0], state[1][0]
    steps, outputs = [], []
    for x_t in x:
        i, f, g, o = np.split(x_t @ w_x.T + h @ w_h.T + b, 4, axis=-1)
        i, f, g, o = sigmoid(i)[0], sigmoid(f)[0], np.tanh(g), sigmoid(o)[0]
        c_new = f * c + i * g
        steps.append((h, c, i, f, g, o, np.tanh(c_new)))
        h, c = o * np.tanh(c_new), c_new
        outputs.append(h)

    def pullback(upstream):
        dy, (dh_n, dc_n) = upstream
        dh, dc = dh_n[0], dc_n[0]
        dz_all, h_all = [], []
        dx = np.empty_like(x)
        for t in reversed(range(len(x))):
            h_before, c_before, i, f, g, o, tanh_c = steps[t]
            dh = dh + dy[t]
            dc = dc + dh * o * (1 - tanh_c**2)
            dz = np.concatenate(
                [
                    dc * g * i * (1 - i),
                    dc * c_before * f * (1 - f),
                    dc * i * (1 - g**2),
                    dh * tanh_c * o * (1 - o),
                ],
                axis=-1,
            )
            dx[t], dh, dc = dz @ w_x, dz @ w_h, dc * f
            dz_all.append(dz)
            h_all.append(h_before)
        dz_all, h_all = np.stack(dz_all[::-1]), np.stack(h_all[::-1])
        db = dz_all.sum((0, 1))
        dparams = {
            "weight_ih_l0": np.tensordot(dz_all, x, axes=((0, 1), (0, 1))),
            "weight_hh_l0": np.tensordot(dz_all, h_all, axes=((0, 1), (0, 1))),
            "bias_ih_l0": db,
            "bias_hh_l0": db,
        }
        return dparams, dx, (dh[None], dc[None])

    return (np.stack(outputs), (h[None], c[None])), pullback
