// Fastboot: the host's end, over USB, TCP and UDP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/transport.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::device {

/// Messages to and from a bootloader: what each medium makes of "one packet".
class FastbootLink {
public:
    FastbootLink() = default;
    FastbootLink(const FastbootLink&) = delete;
    FastbootLink& operator=(const FastbootLink&) = delete;
    virtual ~FastbootLink() = default;

    /// A command, or a part of a download's data.  Errors: timed_out, disconnected, io.
    virtual Result<> send(ByteView bytes, Timeout timeout) = 0;
    /// The next answer: 256 bytes at most.  Errors: timed_out, disconnected, io, malformed.
    virtual Result<std::string> receive(Timeout timeout) = 0;
    [[nodiscard]] virtual std::string name() const = 0;
};

/// The port on which a bootloader listens, TCP and UDP.
constexpr std::uint16_t fastboot_port = 5554;

/// Errors: io, timed_out, disconnected, malformed (no fastboot there).  Five seconds at most for each step.
[[nodiscard]] Result<std::unique_ptr<FastbootLink>> connect_fastboot_tcp(const std::string& host, std::uint16_t port);
[[nodiscard]] Result<std::unique_ptr<FastbootLink>> connect_fastboot_udp(const std::string& host, std::uint16_t port);

/// Datagrams to and from one other end; they may get lost, double, and out of order.
class DatagramPort {
public:
    DatagramPort() = default;
    DatagramPort(const DatagramPort&) = delete;
    DatagramPort& operator=(const DatagramPort&) = delete;
    virtual ~DatagramPort() = default;

    /// Errors: io, disconnected.
    virtual Result<> send(ByteView datagram) = 0;
    /// The next datagram, cut to into.size().  Errors: timed_out, io, disconnected.
    virtual Result<std::size_t> receive(std::span<std::byte> into, Timeout timeout) = 0;
    [[nodiscard]] virtual std::string name() const = 0;
};
/// Over datagrams of any kind; `clock` outlives the link.  Errors: as connect_fastboot_udp.
[[nodiscard]] Result<std::unique_ptr<FastbootLink>> connect_fastboot_datagrams(std::unique_ptr<DatagramPort> port,
                                                                               const Clock& clock);
/// Over a bulk pair (ff/42/03), or any transport that keeps transfers apart.
[[nodiscard]] std::unique_ptr<FastbootLink> make_fastboot_link(std::unique_ptr<Transport> transport);

/// How long a bootloader may say nothing before it counts as gone.
struct FastbootWaits {
    Timeout answer{30000}; ///< to a command; to take a part of a download
    Timeout work{300000};  ///< to a flash or an erase, and at the end of a download: much of it may be on its way still
};

/// A bootloader that speaks fastboot.  One thread uses it at a time.
/// Errors of all: refused (FAIL, with the bootloader's words), timed_out, disconnected, malformed, cancelled,
/// invalid_argument (a name or command no bootloader takes).  After any but refused and invalid_argument the two ends
/// are out of step: every later call fails with disconnected; connect anew.
/// Waits: as FastbootWaits says; 4096 lines to one command at most.
class Fastboot {
public:
    /// Lines that the bootloader says while it works ("INFO…", "TEXT…").
    using Listener = std::function<void(std::string_view line)>;

    explicit Fastboot(std::unique_ptr<FastbootLink> link, Listener listener = {}, FastbootWaits waits = {});
    Fastboot(Fastboot&&) noexcept;
    Fastboot& operator=(Fastboot&&) noexcept;
    ~Fastboot();

    /// Trimmed.  Nothing where the bootloader does not know it, by FAIL or by an empty OKAY.
    Result<std::optional<std::string>> variable(std::string_view name);
    /// `getvar all`, names and values in the order they came.  Empty where it is not known.
    Result<std::vector<std::pair<std::string, std::string>>> all_variables();
    /// Of max-download-size; 512 MiB where the bootloader does not say.  Decimal and hex, with and without 0x.
    Result<ByteCount> max_download();

    /// How one image goes over.
    struct FlashPlan {
        std::vector<io::SourcePtr> downloads; ///< one raw image, or sparse pieces, in order
        bool is_sparse{false};
    };
    /// Raw where it fits in one download, else sparse pieces (io::make_sparse_pieces).
    /// A raw image that begins like a sparse one goes over as a sparse image of itself: a bootloader would unpack it.
    /// Errors: invalid_argument (nothing to flash), those of io::make_sparse_pieces.
    [[nodiscard]] static Result<FlashPlan> plan_flash(const io::SourcePtr& image, ByteCount max_download,
                                                      const RunContext& context = {});
    /// Downloads and flashes the pieces from number `first` on; `done` hears of each that was accepted.
    /// A stop takes effect between pieces: a phone is not left in the middle of a download.
    /// Progress: step "flash", unit "bytes".
    Result<> flash(std::string_view partition, const FlashPlan& plan, std::size_t first,
                   const std::function<Result<>(std::size_t piece)>& done, const RunContext& context);
    Result<> erase(std::string_view partition, const RunContext& context = {});
    /// Any other command ("oem unlock"), literally; its OKAY text.  Waits without a limit where `waits_for_person`.
    enum class Patience : bool { usual, waits_for_person };
    Result<std::string> command(std::string_view text, Patience patience, const RunContext& context);
    /// "" Android, "bootloader", "recovery", …
    Result<> reboot(std::string_view where);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace salvage::device
