-- NFS over TLS (RFC 9289) in Wireshark and tshark: a capture begins in clear,
-- with the probe, goes on in TLS, and what is in it is RPC again.
--
--   tshark -X lua_script:contrib/ktls-sim-rpc-tls.lua -d tcp.port==2049,tls -r wire.pcapng -Y nfs
--
-- or copy it to Wireshark's folder of personal Lua plugins. Wireshark 4.0 has
-- no dissector for RPC within TLS. Its own one, when it is called for a record,
-- takes the whole TCP connection for RPC from there on: so it is shown another
-- port while it works. A record in several fragments is not put together.

local proto = Proto("rpctls", "RPC record in TLS")
local udp_rpc = DissectorTable.get("udp.port"):get_dissector(111)
local NFS, OTHER = 2049, 111
local function len(tvb, pinfo, offset)
	return 4 + tvb(offset, 4):uint() % 0x80000000
end
local function one(tvb, pinfo, tree)
	local s, d = pinfo.src_port, pinfo.dst_port
	if s == NFS then pinfo.src_port = OTHER else pinfo.dst_port = OTHER end
	local n = udp_rpc:call(tvb(4):tvb(), pinfo, tree)
	pinfo.src_port, pinfo.dst_port = s, d
	return n
end
function proto.dissector(tvb, pinfo, tree)
	dissect_tcp_pdus(tvb, tree, 4, len, one)
	return tvb:len()
end
DissectorTable.get("tls.port"):add(NFS, proto)
