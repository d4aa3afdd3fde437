"""How well clusters agree with classes that they were never told."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from hertzian.evaluation.classes import EvaluationError

Assigned = npt.NDArray[np.integer[Any]]

COLLAPSED_SHARE = 0.9
"""A cluster that takes more of all examples than this is no cluster."""


def contingency(truth: Assigned, assigned: Assigned) -> npt.NDArray[np.int64]:
    """Count examples by class (rows) and cluster (columns).

    Raises:
        EvaluationError: none, not as many of both, or negative numbers.
    """
    if truth.shape != assigned.shape or truth.ndim != 1 or not len(truth):
        raise EvaluationError(
            f"classes {list(truth.shape)} and clusters {list(assigned.shape)} do not belong "
            f"together; expected one of each for one example or more"
        )
    if min(int(truth.min()), int(assigned.min())) < 0:
        raise EvaluationError("classes and clusters are numbered from 0 on")
    counts = np.zeros((int(truth.max()) + 1, int(assigned.max()) + 1), np.int64)
    np.add.at(counts, (truth, assigned), 1)
    return counts


def best_matching(counts: npt.NDArray[np.int64]) -> dict[int, int]:
    """Return the class of each cluster, one to one, that most examples agree with (Kuhn 1955).

    With more clusters than classes some have none.

    Args:
        counts: as `contingency` gives them.
    """
    classes, clusters = linear_sum_assignment(counts, maximize=True)
    return {int(cluster): int(one) for one, cluster in zip(classes, clusters, strict=True)}


def cluster_block(truth: Assigned, assigned: Assigned) -> dict[str, Any]:
    """Return how clusters and classes agree.

    Args:
        truth: classes [n], from 0 on.
        assigned: clusters [n], from 0 on.

    Returns:
        `examples`; `nmi`, the mutual information over the mean of the entropies; `ari`, the
        adjusted Rand index (Hubert and Arabie 1985); `acc`, the share of examples that are right
        when each cluster is given the class that serves best, one to one; `clusters`, how many
        hold any; `largest_share` of the examples in one cluster.

    Raises:
        EvaluationError: as `contingency`.
    """
    counts = contingency(truth, assigned)
    right = sum(counts[one, cluster] for cluster, one in best_matching(counts).items())
    sizes = counts.sum(axis=0)
    return {
        "examples": len(truth),
        "nmi": float(normalized_mutual_info_score(truth, assigned)),
        "ari": float(adjusted_rand_score(truth, assigned)),
        "acc": float(right / len(truth)),
        "clusters": int((sizes > 0).sum()),
        "largest_share": float(sizes.max() / len(truth)),
    }


def refuse_collapse(assigned: Assigned, most: float = COLLAPSED_SHARE) -> None:
    """Check that no cluster takes nearly all examples: that is no result.

    Raises:
        EvaluationError: one does.
    """
    sizes = np.bincount(assigned)
    share = sizes.max() / len(assigned)
    if share > most:
        raise EvaluationError(
            f"the clusters have collapsed: {share:.1%} of {len(assigned)} examples are in one; "
            f"train with a lower rate, a larger weight of pairs apart, or from another seed"
        )
