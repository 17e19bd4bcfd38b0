-- What a simulated card reads and writes over its bus: the files
-- dma-HOST-CARD.pcapng of `capture: {dma: true}`.
--
--   tshark -X lua_script:contrib/ktls-sim-dma.lua -r dma-server-mce0.pcapng
--
-- or copy it to Wireshark's folder of personal Lua plugins. The header is that
-- of struct dma_hdr (include/ktsim/sim/tap.h); the bytes behind it are a work
-- request in its model's own format, or a completion. What a work request means
-- in words is the packet's comment.
--
-- A model is an entry of MODELS: its code, its name, and optionally a function
-- that adds fields and returns a short text for the Info column.

local dma = Proto("ktlsdma", "ktls-sim DMA")

local DIRECTIONS = { [0] = "Work request", [1] = "Completion" }
local HDR_LEN = 16
local VERSION = 1

local f = {
  magic = ProtoField.string("ktlsdma.magic", "Magic"),
  version = ProtoField.uint8("ktlsdma.version", "Version"),
  direction = ProtoField.uint8("ktlsdma.direction", "Direction", base.DEC,
    DIRECTIONS),
  queue = ProtoField.uint16("ktlsdma.queue", "Queue"),
  model = ProtoField.uint16("ktlsdma.model", "Card model"),
  model_name = ProtoField.string("ktlsdma.model_name", "Card model's name"),
  len = ProtoField.uint32("ktlsdma.len", "Length"),
  bytes = ProtoField.bytes("ktlsdma.bytes", "Bytes"),
  -- completions
  cqe_queue = ProtoField.uint32("ktlsdma.cqe.queue", "Queue"),
  cqe_ci = ProtoField.uint32("ktlsdma.cqe.ci", "Blocks below are done"),
  cqe_error = ProtoField.bool("ktlsdma.cqe.error", "Queue is stopped"),
  -- basic, ideal
  gen_table = ProtoField.uint64("ktlsdma.gen.table", "Address of the table",
    base.HEX),
  gen_len = ProtoField.uint32("ktlsdma.gen.len", "Length of the table"),
  -- ConnectX: the control segment
  mlx_opmod = ProtoField.uint8("ktlsdma.mlx5.opmod", "Opcode modifier",
    base.HEX),
  mlx_index = ProtoField.uint16("ktlsdma.mlx5.wqe_index", "WQE index"),
  mlx_opcode = ProtoField.uint8("ktlsdma.mlx5.opcode", "Opcode", base.HEX),
  mlx_qpn = ProtoField.uint24("ktlsdma.mlx5.qpn", "Queue number", base.HEX),
  mlx_ds = ProtoField.uint8("ktlsdma.mlx5.ds", "Segments of 16 bytes"),
  -- Chelsio: the firmware's work request header
  fw_opcode = ProtoField.uint8("ktlsdma.fw.opcode", "Opcode", base.HEX),
  fw_hi = ProtoField.uint32("ktlsdma.fw.hi", "First word", base.HEX),
  fw_lo = ProtoField.uint32("ktlsdma.fw.lo", "Second word", base.HEX),
  fw_len16 = ProtoField.uint32("ktlsdma.fw.len16", "Units of 16 bytes",
    base.DEC, nil, 0xff),
}

dma.fields = f

local e_magic = ProtoExpert.new("ktlsdma.bad_magic", "Not a ktls-sim DMA header",
  expert.group.MALFORMED, expert.severity.ERROR)
local e_short = ProtoExpert.new("ktlsdma.short", "Fewer bytes than were said",
  expert.group.MALFORMED, expert.severity.ERROR)
dma.experts = { e_magic, e_short }

-- --- work requests, model by model ---

-- Our own: one block, which points to a table in host memory. Little-endian as
-- the machine that simulated it (nicmodel/gen_wr.h).
local function gen_wr(tvb, tree)
  if tvb:len() < 12 then return "SEND" end
  tree:add_le(f.gen_table, tvb(0, 8))
  tree:add_le(f.gen_len, tvb(8, 4))
  return "SEND, table of " .. tvb(8, 4):le_uint() .. " bytes"
end

-- mlx5_wqe_ctrl_seg: opmod_idx_opcode, qpn_ds, both big-endian.
-- To add one: { [opcode] = { name = ..., mod = { [opmod] = name } } }.
local MLX5_OPCODES = {
  [0x00] = { name = "NOP" },
  [0x0a] = { name = "SEND" },
  [0x0e] = { name = "LSO" },
  [0x0f] = { name = "WAIT" },
  [0x20] = { name = "SET_PSV", mod = { [0x1] = "TLS TIS progress parameters",
    [0x2] = "TLS TIR progress parameters" } },
  [0x21] = { name = "GET_PSV" },
  [0x23] = { name = "DUMP" },
  [0x25] = { name = "UMR", mod = { [0x1] = "TLS TIS static parameters",
    [0x2] = "TLS TIR static parameters" } },
  [0x29] = { name = "ENHANCED_MPSW" },
}

local function mlx5_wr(tvb, tree)
  if tvb:len() < 8 then return "?" end
  local op = tvb(3, 1):uint()
  local mod = tvb(0, 1):uint()
  local known = MLX5_OPCODES[op]
  local name = known and known.name or string.format("opcode 0x%02x", op)
  tree:add(f.mlx_opmod, tvb(0, 1))
  tree:add(f.mlx_index, tvb(1, 2))
  tree:add(f.mlx_opcode, tvb(3, 1)):append_text(" (" .. name .. ")")
  tree:add(f.mlx_qpn, tvb(4, 3))
  tree:add(f.mlx_ds, tvb(7, 1))
  if known and known.mod and known.mod[mod] then
    name = name .. ", " .. known.mod[mod]
  end
  return string.format("%s, index %u, ds %u", name, tvb(1, 2):uint(),
    tvb(7, 1):uint())
end

-- Chelsio's firmware: the opcode is the first byte of op_to_immdlen, the low
-- byte of flowid_len16 the length in units of 16 bytes; both big-endian.
-- To add one: { [opcode] = name }.
local FW_OPCODES = {
  [0x02] = "FILTER_WR",
  [0x04] = "ULPTX_WR",
  [0x05] = "TP_WR",
  [0x08] = "ETH_TX_PKT_WR",
  [0x09] = "ETH_TX_PKTS_WR",
  [0x0a] = "FLOWC_WR",
  [0x0b] = "OFLD_TX_DATA_WR",
  [0x10] = "CMD_WR",
  [0x1b] = "EQ_FLUSH_WR",
  [0x1c] = "ETH_TX_EO_WR",
  [0x2f] = "OFLD_CONNECTION_WR",
  [0x68] = "TLSTX_DATA_WR",
  [0x78] = "ETH_TX_PKTS2_WR",
}

local function fw_wr(tvb, tree)
  if tvb:len() < 8 then return "?" end
  local op = tvb(0, 1):uint()
  local name = FW_OPCODES[op] or string.format("opcode 0x%02x", op)
  tree:add(f.fw_opcode, tvb(0, 1)):append_text(" (" .. name .. ")")
  tree:add(f.fw_hi, tvb(0, 4))
  tree:add(f.fw_lo, tvb(4, 4))
  tree:add(f.fw_len16, tvb(4, 4))
  return string.format("%s, %u bytes", name, 16 * tvb(7, 1):uint())
end

-- As dma_model_code of sim/tap/dma.c.
local MODELS = {
  [0] = { name = "unknown" },
  [1] = { name = "basic", wr = gen_wr },
  [2] = { name = "ideal", wr = gen_wr },
  [3] = { name = "cx6dx", wr = mlx5_wr },
  [4] = { name = "t6", wr = fw_wr },
}

-- --- completions: the same of all models (nicmodel/nic_card.c) ---

local function completion(tvb, tree)
  if tvb:len() < 9 then return "?" end
  tree:add(f.cqe_queue, tvb(0, 4))
  tree:add(f.cqe_ci, tvb(4, 4))
  tree:add(f.cqe_error, tvb(8, 1))
  return "blocks below " .. tvb(4, 4):uint() .. " are done" ..
    (tvb(8, 1):uint() ~= 0 and ", the queue is stopped" or "")
end

function dma.dissector(tvb, pinfo, tree)
  pinfo.cols.protocol = "KTLS-DMA"
  local t = tree:add(dma, tvb())
  if tvb:len() < HDR_LEN or tvb(0, 4):string() ~= "KDMA" or
      tvb(4, 1):uint() ~= VERSION then
    t:add_proto_expert_info(e_magic)
    return
  end
  local dir, queue = tvb(5, 1):uint(), tvb(6, 2):uint()
  local model = MODELS[tvb(8, 2):uint()] or MODELS[0]
  local len = tvb(12, 4):uint()
  t:add(f.magic, tvb(0, 4))
  t:add(f.version, tvb(4, 1))
  t:add(f.direction, tvb(5, 1))
  t:add(f.queue, tvb(6, 2))
  t:add(f.model, tvb(8, 2)):append_text(" (" .. model.name .. ")")
  t:add(f.model_name, tvb(8, 2), model.name):set_generated()
  t:add(f.len, tvb(12, 4))
  if len > tvb:len() - HDR_LEN then
    t:add_proto_expert_info(e_short)
    len = tvb:len() - HDR_LEN
  end
  pinfo.cols.src = dir == 0 and "host" or "card"
  pinfo.cols.dst = dir == 0 and "card" or "host"
  local info = DIRECTIONS[dir] or "?"
  if len > 0 then
    local body = tvb(HDR_LEN, len):tvb()
    local bt = t:add(f.bytes, body())
    local decode = dir == 1 and completion or model.wr
    if decode then info = info .. ": " .. decode(body, bt) end
  end
  pinfo.cols.info = string.format("queue %u  %s", queue, info)
  t:append_text(", queue " .. queue .. ", " .. info)
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, dma)
