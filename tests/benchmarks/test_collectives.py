"""What is counted as sent."""

from benchmarks.collectives import collectives

PROGRAM = """
  %all-reduce.5 = (f32[784,1200]{1,0}, f32[10]{0}) all-reduce(%dot.1, %reduce.2), channel_id=1, to_apply=%add
  %all-reduce.6 = f32[] all-reduce(%reduce.3), channel_id=2, to_apply=%add
  %gathered = bf16[4,8]{1,0} all-gather(%all-reduce.7), dimensions={0}
  ROOT %permuted = (u32[2]{0}, u32[2]{0}) collective-permute(%x), source_target_pairs={{0,1}}
  %fusion = f32[100,100]{1,0} fusion(%all-reduce.6), kind=kLoop
"""


def test_number_and_bytes_by_kind():
    assert collectives(PROGRAM) == {
        "all-reduce": [2, 4 * (784 * 1200 + 10) + 4],
        "all-gather": [1, 2 * 4 * 8],
        "collective-permute": [1, 4 * (2 + 2)],
    }


def test_nothing_is_sent_on_one_device():
    assert collectives("%fusion = f32[100,100]{1,0} fusion(%all-reduce.6), kind=kLoop") == {}
