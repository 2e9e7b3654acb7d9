// A phone made of software: what answers at the other end of the cable.  It is no security check of any kind: it takes
// every well-formed download agent and runs none of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/device/phone_faults.hpp"
#include "salvage/device/phone_flash.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

enum class AgentProtocol : std::uint8_t { xflash, legacy };

struct MediatekPhoneOptions {
    std::uint16_t hw_code{0x326};
    AgentProtocol protocol{AgentProtocol::xflash};
    bool is_brom{false};
    std::uint32_t target_config{0};
    PhoneFaults faults{};
    std::uint32_t read_packet_bytes{0x10000}; ///< of the agent's data packets
};
/// Plays a MediaTek phone from the moment its cable is plugged until the host lets it go, the cable is "pulled", or
/// `context.stop`.  Errors: disconnected (also when the fault says so), cancelled, malformed (the host broke the
/// protocol: says where).
Result<> run_mediatek_phone(Transport& cable, PhoneFlash& flash, const MediatekPhoneOptions& options, Waiter& waiter,
                            const RunContext& context);

/// Habits of MediaTek's LK bootloader, each for itself (its app/mt_boot/fastboot.c, sys_commands.c, sec_unlock.c).
struct FastbootPhoneOptions {
    std::vector<PhonePartition> partitions;
    std::string product{"salvage_phone"};
    ByteCount max_download{128ULL << 20U}; ///< also the memory that a download may take
    bool has_empty_okay{true};             ///< OKAY without a value to an unknown getvar, instead of FAIL
    bool has_capped_partition_size{true};  ///< partition-size of userdata is 800 MiB at most
    bool says_okay_on_no{true};            ///< `oem unlock` answers OKAY though the owner pressed "No"
    bool does_owner_press_yes{false};
    bool is_battery_low{false}; ///< flash and erase are refused
    PhoneFaults faults{};       ///< all but demand_authentication
};
/// Serves fastboot on a listening socket until `context.stop`; one host at a time.  A host that breaks the protocol or
/// goes away makes room for the next; a reboot too, and the phone stays as it is.
class FastbootServer {
public:
    /// `port` 0 takes any.  Errors: io, invalid_argument (no address of this machine).
    [[nodiscard]] static Result<FastbootServer> listen_tcp(const std::string& address, std::uint16_t port);
    [[nodiscard]] static Result<FastbootServer> listen_udp(const std::string& address, std::uint16_t port);
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Nothing when it was stopped.  Errors: io.
    Result<> run(PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter, const RunContext& context);

    FastbootServer(FastbootServer&&) noexcept;
    FastbootServer& operator=(FastbootServer&&) noexcept;
    ~FastbootServer();

private:
    struct State;
    explicit FastbootServer(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};
/// Serves one host over a transport that keeps transfers apart (FunctionFS, make_pipe) until it goes, reboots the
/// phone, or `context.stop`.  Errors: disconnected (the fault), malformed (the host broke the protocol), io.
Result<> run_fastboot_phone(Transport& cable, PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter,
                            const RunContext& context);

/// A download agent file that holds nothing but random bytes in the right places: for the simulator and its tests.
/// Layout: docs/formats/da-file.md.
[[nodiscard]] Bytes make_synthetic_agents(std::uint16_t da_code, Entropy& entropy);

} // namespace salvage::device
