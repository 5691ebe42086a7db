"""Level 4: ids, masks, order and time; the suspects look in the wrong place."""

import numpy as np

from utils.exercises.detective.suspects import Operation, Suspect, halves
from utils.exercises.lazy import F, torch


def embedding(ids, weight):
    def pullback(dy):
        dweight = np.zeros_like(weight)
        np.add.at(dweight, ids, dy)
        return None, dweight

    return weight[ids], pullback


def masked_mean(x, mask):
    seen = mask.sum(-1, keepdims=True)

    def pullback(dy):
        share = dy[:, None] / seen
        return mask * share, None

    return (x * mask).sum(-1) / seen[:, 0], pullback


def dropout(x, mask):
    keep = 0.5

    def pullback(dy):
        return dy * mask / keep, None

    return x * mask / keep, pullback


def pair_maximum(x):
    pairs = x.reshape(len(x), -1, 2)
    winner = pairs == pairs.max(-1, keepdims=True)

    def pullback(dy):
        return (winner * dy[..., None]).reshape(x.shape)

    return pairs.max(-1), pullback


def running_sum(x):
    def pullback(dy):
        return dy[::-1].cumsum()[::-1]

    return x.cumsum(), pullback


def step_difference(x):
    before = np.concatenate([[0.0], x[:-1]])

    def pullback(dy):
        owed = np.concatenate([dy[1:], [0.0]])
        return dy - owed

    return x - before, pullback


def recurrence(x, weight):
    h = [np.zeros(x.shape[1])]
    for x_t in x:
        h.append(np.tanh(weight @ h[-1] + x_t))

    def pullback(dh):
        dx, dweight, back = np.zeros_like(x), np.zeros_like(weight), 0.0
        for t in reversed(range(len(x))):
            dz = (dh[t] + back) * (1 - h[t + 1] ** 2)
            dx[t] = dz
            dweight += np.outer(dz, h[t])
            back = weight.T @ dz
        return dx, dweight

    return np.array(h[1:]), pullback


def shares(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(query, key, value, mask):
    scale = 1 / np.sqrt(query.shape[-1])
    scores = query @ key.T * scale
    p = shares(np.where(mask, scores, -np.inf))

    def pullback(dy):
        dp = dy @ value.T
        ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * scale
        dvalue = p.T @ dy
        return ds @ key, ds.T @ query, dvalue, None

    return p @ value, pullback


def torch_recurrence(x, weight):
    h, states = torch.zeros(x.shape[1:], dtype=x.dtype), []
    for x_t in x:
        h = torch.tanh(weight @ h + x_t)
        states.append(h)
    return torch.stack(states)


def repeated_ids(rng):
    """Four ids from 0 to 2: one row looked up twice or more, not next to itself, one never."""
    a, b = rng.choice(3, size=2, replace=False)
    return np.array([a, b, a, a] if rng.random() < 0.5 else [a, b, a, b])


def draw_mask(rng, rows, columns):
    """True in one or two places of every row, in different places."""
    mask = np.zeros((rows, columns), dtype=bool)
    for row in mask:
        row[rng.choice(columns, size=int(rng.integers(1, columns)), replace=False)] = True
    return mask


OPERATIONS = [
    Operation(
        embedding, 4, "y = rows of the weight, one for each id", lambda ids, weight: F.embedding(ids, weight),
        lambda rng: (repeated_ids(rng), halves(rng, 3, 2)),
        (
            Suspect("repeated ids overwrite each other", "np.add.at(dweight, ids, dy)", "dweight[ids] = dy",
                    "A row that was looked up twice must collect both gradients. Only the last of them arrived."),
            Suspect("repeated ids are averaged", "np.add.at(dweight, ids, dy)",
                    "np.add.at(dweight, ids, dy / np.bincount(ids)[ids][:, None])",
                    "Gradients of repeated uses add up. With ones a row must get as many as it was looked up."),
            Suspect("the position stands in for the id", "dweight, ids, dy", "dweight, np.arange(len(ids)) % 3, dy",
                    "The gradient belongs to the row that was looked up, wherever that happened. A unit vector shows the row."),
            Suspect("every id is off by one", "dweight, ids, dy", "dweight, ids - 1, dy",
                    "Counting starts at zero. The gradient arrived one row too high."),
            Suspect("the order is reversed", "ids, dy", "ids, dy[::-1]",
                    "The first id got the last gradient. With ones nobody notices; a unit vector does."),
        ),
    ),
    Operation(
        masked_mean, 4, "y = mean of x along each row, over the places where the mask is True",
        lambda x, mask: (x * mask).sum(-1) / mask.sum(-1), lambda rng: (halves(rng, 2, 3), draw_mask(rng, 2, 3)),
        (
            Suspect("the mask is ignored", "mask * share", "np.ones(x.shape) * share",
                    "Places that the mask leaves out had no part in the mean, and get nothing back."),
            Suspect("the mask is inverted", "mask * share", "~mask * share",
                    "Exactly the places that had no part were given the gradient."),
            Suspect("it is divided by the whole length", "/ seen", "/ x.shape[-1]",
                    "The mean runs over the places where the mask is True, and there are fewer of them than columns."),
            Suspect("it is not divided", "dy[:, None] / seen", "dy[:, None]",
                    "That would be a masked sum. Look at a row with two places."),
            Suspect("it is divided by the count of the whole mask", "/ seen", "/ mask.sum()",
                    "Each row has its own count."),
            Suspect("the rows are exchanged", "dy[:, None]", "dy[::-1, None]",
                    "Send a one to the first row only: the second row must stay at zero."),
        ),
    ),
    Operation(
        dropout, 4, "y = x ⊙ mask / 0.5, the mask as drawn", lambda x, mask: x * mask / 0.5,
        lambda rng: (halves(rng, 2, 3), draw_mask(rng, 2, 3)),
        (
            Suspect("the mask is forgotten", "dy * mask", "dy",
                    "An element that was dropped has no part in the output, so zero must come back for it."),
            Suspect("the scale is forgotten", " / keep", "",
                    "Forward everything kept was doubled; so is what comes back."),
            Suspect("the scale is applied twice", "/ keep", "/ keep**2",
                    "It came back four times as large as sent; once through the factor 2 is enough."),
            Suspect("the mask is inverted", "mask / keep", "~mask / keep",
                    "The gradient came back for exactly the elements that were dropped."),
            Suspect("a new mask is drawn", "dy * mask", "dy * mask[:, ::-1]",
                    "Backward needs the mask of the forward pass. This one has the right number of holes, elsewhere."),
        ),
    ),
    Operation(
        pair_maximum, 4, "y = the larger of x₀ and x₁, of x₂ and x₃, in each row",
        lambda x: x.unflatten(-1, (-1, 2)).amax(-1), lambda rng: (halves(rng, 2, 4),),
        (
            Suspect("both of a pair get it", "winner * dy", "np.ones_like(winner) * dy",
                    "The smaller one does not matter: nudge it and the output stays. Zero comes back for it."),
            Suspect("both of a pair get half", "winner * dy", "np.full(winner.shape, 0.5) * dy",
                    "That is the pullback of a mean. The whole gradient goes to the larger one."),
            Suspect("the smaller one gets it", "winner * dy", "~winner * dy",
                    "It went to exactly those that lost."),
            Suspect("the first of a pair always gets it", "winner * dy", "np.array([True, False]) * dy",
                    "Which one gets it depends on which is larger. Look at a pair whose second one is."),
            Suspect("the pairs of a row are exchanged", "dy[..., None]", "dy[:, ::-1, None]",
                    "Send a one to the first pair: the second pair answered."),
        ),
    ),
    Operation(
        running_sum, 4, "yₜ = x₀ + ... + xₜ", lambda x: x.cumsum(0), lambda rng: (halves(rng, 5),),
        (
            Suspect("time runs the wrong way", "dy[::-1].cumsum()[::-1]", "dy.cumsum()",
                    "An early x is in all later sums, so gradients flow from late to early. "
                    "Send a one at the end: it must reach everybody."),
            Suspect("only the direct path is there", "dy[::-1].cumsum()[::-1]", "dy",
                    "An early x is in every later sum too."),
            Suspect("an element misses its own sum", "dy[::-1].cumsum()[::-1]", "dy[::-1].cumsum()[::-1] - dy",
                    "x at t is part of the sum at t. Send a one: it must come back in its own place too."),
            Suspect("everybody gets everything", "dy[::-1].cumsum()[::-1]", "dy.sum() * np.ones_like(dy)",
                    "A late x has no part in earlier sums: send a one at the start, and only the start may answer."),
            Suspect("it is not turned back", "cumsum()[::-1]", "cumsum()",
                    "The sums were taken from the end, and then left in that order."),
        ),
    ),
    Operation(
        step_difference, 4, "yₜ = xₜ - xₜ₋₁, with x before the start = 0",
        lambda x: x - torch.cat([torch.zeros(1, dtype=x.dtype), x[:-1]]), lambda rng: (halves(rng, 5),),
        (
            Suspect("it takes the difference in the same direction", "[dy[1:], [0.0]]", "[[0.0], dy[:-1]]",
                    "x at t is subtracted one step later, so the gradient of the next step is what is taken away."),
            Suspect("the step after is forgotten", "dy - owed", "dy",
                    "x at t appears twice: in its own difference, and subtracted in the next one."),
            Suspect("the step after is added", "dy - owed", "dy + owed",
                    "In the next difference x has a minus sign. Send ones: everything but the last must cancel."),
            Suspect("the end is joined to the start", "[dy[1:], [0.0]]", "[dy[1:], dy[:1]]",
                    "After the last step comes nothing. Send a one at the start: the end answered."),
            Suspect("the step after counts twice", "dy - owed", "dy - 2 * owed",
                    "Once in its own difference, once in the next one: the weights are 1 and -1."),
        ),
    ),
    Operation(
        recurrence, 4, "hₜ = tanh(W hₜ₋₁ + xₜ), with h = 0 before the start", torch_recurrence,
        lambda rng: (halves(rng, 3, 2) / 2, halves(rng, 2, 2)),
        (
            Suspect("nothing flows back through time", "back = weight.T @ dz", "back = 0.0",
                    "Send a one to the last state only: every earlier x must answer, and they stayed at zero."),
            Suspect("the weight is not transposed on the way back", "weight.T", "weight",
                    "Forward W h, backward Wᵀ dz. The last step is right, the earlier ones are not."),
            Suspect("the slope of tanh is missing", " * (1 - h[t + 1] ** 2)", "",
                    "A one sent to the last state came back for the last x unchanged; the slope there is below 1."),
            Suspect("the weight keeps one step only", "dweight += np", "dweight = np",
                    "W is used at every step, and the steps add up. What came back is the first step's, where h was 0."),
            Suspect("the weight gets the state after the step", "np.outer(dz, h[t])", "np.outer(dz, h[t + 1])",
                    "W multiplies the state before the step. Send to the first state only: that one was made from h = 0, "
                    "so the weight must get zero."),
            Suspect("the states before the last send nothing", "(dh[t] + back)", "(dh[-1] * (t == len(x) - 1) + back)",
                    "Every state is an output. Send a one to the first state: something must come back."),
        ),
    ),
    Operation(
        attention, 4, "y = softmax(Q Kᵀ / √2 where the mask is True) V",
        lambda query, key, value, mask: F.scaled_dot_product_attention(query, key, value, attn_mask=mask),
        lambda rng: (halves(rng, 3, 2), halves(rng, 3, 2), halves(rng, 3, 2), np.tri(3, dtype=bool)),
        (
            Suspect("the path through the total is missing", " - (dp * p).sum(-1, keepdims=True)", "",
                    "The first query may attend to one place only, its share is 1 whatever happens. "
                    "Zero must come back for it, and it did not."),
            Suspect("the scale is missing", ", keepdims=True)) * scale", ", keepdims=True))",
                    "The scores were divided by √2 forward, so their gradient is too. Query and key got 1.41 times too much."),
            Suspect("query and key are exchanged", "ds @ key, ds.T @ query", "ds.T @ query, ds @ key",
                    "They have the same shape. Send to the first output only: only the first query may answer, "
                    "and never one that was not asked."),
            Suspect("the shares are not transposed for the value", "p.T @ dy", "p @ dy",
                    "Send to the last output only: every value that it attends to must get its share."),
            Suspect("the mask is forgotten on the way back", "dvalue = p.T @ dy", "dvalue = shares(scores).T @ dy",
                    "Send to the first output: it attends to the first value only, and later values answered."),
            Suspect("the key gets scores that are not transposed", "ds.T @ query", "ds @ query",
                    "Row i of the scores belongs to query i, column j to key j."),
        ),
    ),
]  # fmt: skip
