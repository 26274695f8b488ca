"""Writes a GGUF file of a llama with random weights: it writes nonsense, and obeys a grammar like any other model.

python make_model.py FILE
"""

import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 512, 8, 8, 1376, 4096

tokens = [b"<unk>", b"<s>", b"</s>"] + [f"<0x{byte:02X}>".encode() for byte in range(256)]
types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
# Letters as tokens of their own, since a vocabulary of bytes alone is taken for a broken one.
letters = [bytes([code]) for code in range(0x20, 0x7F)]
tokens += [b"\xe2\x96\x81" if letter == b" " else letter for letter in letters]
types += [gguf.TokenType.NORMAL] * len(letters)

writer = gguf.GGUFWriter(sys.argv[1], "llama")
writer.add_name("tiny")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(HIDDEN)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(tokens))
writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores([0.0] * len(tokens))
writer.add_token_types(types)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)
writer.add_chat_template("{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}")

random = np.random.default_rng(7)


def matrix(name: str, rows: int, columns: int) -> None:
    writer.add_tensor(name, random.normal(0, 0.02, (rows, columns)).astype(np.float16))


def norm(name: str) -> None:
    writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))


matrix("token_embd.weight", len(tokens), WIDTH)
matrix("output.weight", len(tokens), WIDTH)
norm("output_norm.weight")
for layer in range(LAYERS):
    norm(f"blk.{layer}.attn_norm.weight")
    norm(f"blk.{layer}.ffn_norm.weight")
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        matrix(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
    matrix(f"blk.{layer}.ffn_gate.weight", HIDDEN, WIDTH)
    matrix(f"blk.{layer}.ffn_up.weight", HIDDEN, WIDTH)
    matrix(f"blk.{layer}.ffn_down.weight", WIDTH, HIDDEN)

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
