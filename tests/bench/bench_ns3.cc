/*
 * ns-3's TCP in bulk, without TLS: bench_ns3 FLOWS MIB. Two nodes, one
 * 100 Gb/s link of 20 us, as in the simulator's rows; MIB in all.
 * Prints wall seconds, CPU seconds, frames (both ways), bytes received.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>

using namespace ns3;

static uint64_t frames;

static void
count(Ptr<const Packet>)
{
	frames++;
}

static double
seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

int
main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench_ns3 FLOWS MIB\n");
		return (2);
	}
	unsigned flows = (unsigned)atoi(argv[1]);
	uint64_t each = strtoull(argv[2], nullptr, 10) * 1048576 / flows;
	double wall = seconds(CLOCK_MONOTONIC);
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

	Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
	NodeContainer nodes;
	nodes.Create(2);
	PointToPointHelper link;
	link.SetDeviceAttribute("DataRate", StringValue("100Gbps"));
	link.SetChannelAttribute("Delay", StringValue("20us"));
	NetDeviceContainer devices = link.Install(nodes);
	for (uint32_t i = 0; i < 2; i++)
		devices.Get(i)->TraceConnectWithoutContext("PhyTxEnd",
		    MakeCallback(&count));
	InternetStackHelper().Install(nodes);
	Ipv4AddressHelper addresses;
	addresses.SetBase("10.0.0.0", "255.255.255.0");
	Ipv4InterfaceContainer ifs = addresses.Assign(devices);

	PacketSinkHelper sink("ns3::TcpSocketFactory",
	    InetSocketAddress(Ipv4Address::GetAny(), 443));
	ApplicationContainer sinks = sink.Install(nodes.Get(1));
	for (unsigned i = 0; i < flows; i++) {
		BulkSendHelper bulk("ns3::TcpSocketFactory",
		    InetSocketAddress(ifs.GetAddress(1), 443));
		bulk.SetAttribute("MaxBytes", UintegerValue(each));
		bulk.Install(nodes.Get(0)).Start(MicroSeconds(i));
	}
	Simulator::Stop(Seconds(600));
	Simulator::Run();
	uint64_t got = DynamicCast<PacketSink>(sinks.Get(0))->GetTotalRx();
	Simulator::Destroy();
	printf("%.6f %.6f %llu %llu\n", seconds(CLOCK_MONOTONIC) - wall,
	    seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
	    (unsigned long long)frames, (unsigned long long)got);
	return (got == each * flows ? 0 : 1);
}
