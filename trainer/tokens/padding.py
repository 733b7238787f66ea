"""Hand sequences out as rows of equal length, for models that cannot take packed ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from trainer.tokens.packing import IGNORED, PackedBatches


class PaddedBatches(PackedBatches):
    """The same bins of sequences, one to a row; the filling is masked and carries no loss.

    Bins hold sequences of any length, so that most of a row may be filling: see
    `trainer.contract.architectures` for who must pay that.
    """

    @override
    def batch(self, indices: Sequence[int]) -> dict[str, Any]:
        """Return `input_ids`, `labels`, `position_ids` and `attention_mask`, each [B, T].

        What fills a row is token 0, which nothing looks at.
        """
        starts = self.sequences.starts
        spans = [slice(int(starts[i]), int(starts[i + 1])) for i in indices]
        shape = len(spans), max(span.stop - span.start for span in spans)
        tokens_BT = np.zeros(shape, dtype=np.int64)
        labels_BT = np.full(shape, IGNORED, dtype=np.int64)
        mask_BT = np.zeros(shape, dtype=np.int64)
        for row, span in enumerate(spans):
            size = span.stop - span.start
            tokens, learned = self.sequences.tokens[span], self.sequences.learned[span].copy()
            learned[0] = False
            tokens_BT[row, :size], mask_BT[row, :size] = tokens, 1
            labels_BT[row, :size] = np.where(learned, tokens, IGNORED)
        positions_BT = np.broadcast_to(np.arange(shape[1]), shape).copy()
        return {
            "input_ids": torch.from_numpy(tokens_BT),
            "labels": torch.from_numpy(labels_BT),
            "position_ids": torch.from_numpy(positions_BT),
            "attention_mask": torch.from_numpy(mask_BT),
        }
