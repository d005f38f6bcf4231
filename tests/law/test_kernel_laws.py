"""Laws of the kernel on random spaces: symmetric, positive semi-definite, 1 for equal points alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.key import Key
from luthier.space import Permutation, Simplex, Space, Subset
from luthier.surrogate import KERNELS, Embedding
from luthier.surrogate.gp.kernel import squares
from strategies import keys, sampled, spaces


def gram(space: Space, x: np.ndarray, kernel: str, key: Key) -> np.ndarray:
    embedding = Embedding.of(space.columns)
    lengths = np.exp(key.fold("lengths").normal(embedding.variables))
    scaled = embedding.embed(x) / lengths[embedding.owners]
    return KERNELS[kernel](squares(scaled, scaled)).value


@settings(max_examples=examples(30))
@given(spaces(), keys(), st.sampled_from(sorted(KERNELS)))
def test_gram_matrices_are_symmetric_and_positive_semidefinite(space: Space, key: Key, kernel: str) -> None:
    x = sampled(space, key, 25)
    if x is None or not x.shape[1]:
        return
    x = np.concatenate([x, x[:3]])  # equal points, too
    matrix = gram(space, x, kernel, key)
    assert np.isfinite(matrix).all() and (matrix <= 1.0).all() and (matrix >= 0.0).all()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).min() > -1e-6
    np.testing.assert_allclose(np.diag(matrix)[-3:], 1.0, atol=1e-6)


@settings(max_examples=examples(30))
@given(spaces(), keys())
def test_different_configurations_are_apart(space: Space, key: Key) -> None:
    x = sampled(space, key, 12)
    if x is None or not x.shape[1]:
        return
    embedding = Embedding.of(space.columns)
    e = embedding.embed(x)
    configs = [space.identity(config) for config in space.decode(x)]
    apart = ((e[:, None] - e[None]) ** 2).sum(-1)
    for i in range(len(x)):
        for j in range(i):
            assert (apart[i, j] > 0) == (configs[i] != configs[j])


@pytest.mark.parametrize("kernel", KERNELS)
def test_all_values_of_the_finite_kinds(kernel: str) -> None:
    for variable in (Subset([*"abcde"]), Permutation([*"abcde"]), Subset([*"abcd"], size=2), Simplex(3)):
        space = Space({"v": variable})
        x = space.sample(Key.of(1), 200)
        matrix = gram(space, x, kernel, Key.of(2))
        assert np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).min() > -1e-6
