// A phone's flash through the user's adb program: `exec-out dd`.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "device/adb_process.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/sources.hpp"

namespace salvage::device {
namespace {

constexpr std::size_t chunk_bytes = 1U << 20U;
constexpr std::uint64_t sector_bytes = 512;
// dd's block: large enough for speed, small enough for the memory of a recovery.
constexpr std::uint64_t largest_block = 1U << 20U;

/// A path that means the same to every shell.
bool is_plain_path(std::string_view path)
{
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"/_.-"}.contains(c);
    };
    return path.starts_with('/') && std::ranges::all_of(path, is_plain);
}

std::string trimmed(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const auto start = text.find_first_not_of(blank);
    return start == std::string_view::npos ? std::string{}
                                           : std::string{text.substr(start, text.find_last_not_of(blank) - start + 1)};
}

std::optional<std::uint64_t> number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc{} && stop == text.data() + text.size() && !text.empty() ? std::optional{value}
                                                                                        : std::nullopt;
}

/// The commands of one phone.
class Adb {
public:
    explicit Adb(AdbOptions options) : options_{std::move(options)} {}

    [[nodiscard]] std::vector<std::string> host(std::vector<std::string> words) const
    {
        std::vector<std::string> out{options_.program};
        if (!options_.serial.empty()) {
            out.emplace_back("-s");
            out.push_back(options_.serial);
        }
        std::ranges::move(words, std::back_inserter(out));
        return out;
    }
    /// A command on the phone.  adb joins the words and hands them to the phone's shell, which is why they are plain;
    /// what that says on its standard error would come along with the data.
    [[nodiscard]] std::vector<std::string> phone(const std::string& command) const
    {
        const auto quiet = command + " 2>/dev/null";
        return host(
            {"exec-out", options_.become_root.empty() ? quiet : fmt::format("{} '{}'", options_.become_root, quiet)});
    }
    /// What a command on the phone answers, on one line; empty where it fails.
    Result<std::string> ask(const std::string& command, const RunContext& context) const
    {
        const auto answer = SALVAGE_TRY(run_adb(phone(command), options_.silence, context));
        return trimmed(answer.out);
    }
    /// Errors: disconnected (adb sees no phone, or one that did not allow this computer).
    Result<> check_is_there(const RunContext& context) const
    {
        const auto answer = SALVAGE_TRY(run_adb(host({"get-state"}), options_.silence, context));
        const auto state = trimmed(answer.out);
        if (answer.exit_code == 0 && (state == "device" || state == "recovery" || state == "rescue")) {
            return {};
        }
        return Error{ErrorCode::disconnected,
                     "adb sees no phone that is ready",
                     printable(trimmed(answer.complaint.empty() ? answer.out : answer.complaint)),
                     std::nullopt,
                     "connect it, start its recovery or Android, and allow this computer on its screen",
                     {}};
    }

    [[nodiscard]] const AdbOptions& options() const noexcept { return options_; }

private:
    AdbOptions options_;
};

/// Size by blockdev, or by sysfs (512-byte units) where the phone has no blockdev.
Result<std::optional<ByteCount>> size_of(const Adb& adb, const std::string& device, const RunContext& context)
{
    const auto told = SALVAGE_TRY(adb.ask(fmt::format("blockdev --getsize64 {}", device), context));
    if (const auto bytes = number(told)) {
        return std::optional{ByteCount{*bytes}};
    }
    const auto name = device.substr(device.rfind('/') + 1);
    const auto sectors = SALVAGE_TRY(adb.ask(fmt::format("cat /sys/class/block/{}/size", name), context));
    const auto count = number(sectors);
    const auto bytes = count ? checked_multiply<std::uint64_t>(*count, sector_bytes) : std::nullopt;
    return bytes ? std::optional{ByteCount{*bytes}} : std::nullopt;
}

class AdbReader final : public FlashReader {
public:
    AdbReader(Adb adb, StorageInfo info, std::string identity)
        : adb_{std::move(adb)}, info_{std::move(info)}, identity_{std::move(identity)}, buffer_(chunk_bytes)
    {
    }

    [[nodiscard]] const StorageInfo& storage() const noexcept override { return info_; }
    [[nodiscard]] std::string identity() const override { return identity_; }

    Result<> read(const StorageRegion& region, ByteRange range, const Sink& sink, const RunContext& context) override
    {
        if (info_.find(region.name) == nullptr || range.end().value > region.size.value) {
            return invalid_argument("the range does not lie in the device", region.name);
        }
        if (range.is_empty()) {
            return {};
        }
        // dd counts in blocks: whole sectors are asked for, and what was not wanted is dropped.
        const auto start = range.start().value / sector_bytes * sector_bytes;
        const auto end = (range.end().value + sector_bytes - 1) / sector_bytes * sector_bytes;
        const auto block = std::min({largest_block, std::uint64_t{1} << std::countr_zero(start | (end - start))});
        const auto device = adb_.options().device + (region.id == 0 ? "" : fmt::format("boot{}", region.id - 1));
        const auto command =
            fmt::format("dd if={} bs={} skip={} count={}", device, block, start / block, (end - start) / block);
        auto process = SALVAGE_TRY(AdbProcess::start(adb_.phone(command)));
        auto at = start;
        while (at < end) {
            const auto got = SALVAGE_TRY(process.read_some(buffer_, adb_.options().silence, context));
            if (got == 0) {
                break;
            }
            const auto came = ByteRange::between(ByteOffset{at}, ByteOffset{std::min(at + got, end)});
            const auto wanted = came.intersection(range);
            if (!wanted.is_empty()) {
                SALVAGE_TRY(sink(wanted.start(), ByteView{buffer_}.subspan(
                                                     static_cast<std::size_t>((wanted.start() - came.start()).value),
                                                     static_cast<std::size_t>(wanted.size().value))));
            }
            at += got;
        }
        return at >= range.end().value ? Result<>{} : ended_early(process, region, ByteOffset{at}, context);
    }

private:
    /// dd stops at what it cannot read, and so does a phone that goes away: adb knows which.
    Result<> ended_early(AdbProcess& process, const StorageRegion& region, ByteOffset at, const RunContext& context)
    {
        static_cast<void>(process.wait());
        SALVAGE_TRY(adb_.check_is_there(context));
        auto error = Error{ErrorCode::unreadable,
                           "the phone cannot read its flash there",
                           "dd ended early and adb still sees the phone",
                           Location{{Place{.source = region.name, .at = at}}},
                           {},
                           {}};
        return error;
    }

    Adb adb_;
    StorageInfo info_;
    std::string identity_;
    Bytes buffer_;
};

/// Whether the shell may read at all: asked once, so that "not allowed" does not pass for a flash of bad sectors.
Result<bool> can_read(const Adb& adb, const RunContext& context)
{
    for (const auto sector : {0U, 2048U}) {
        const auto answer = SALVAGE_TRY(run_adb(
            adb.phone(fmt::format("dd if={} bs={} skip={} count=1", adb.options().device, sector_bytes, sector)),
            adb.options().silence, context));
        if (answer.out.size() == sector_bytes) {
            return true;
        }
    }
    return false;
}

Error cannot_read(const AdbOptions& options)
{
    return Error{ErrorCode::refused,
                 "the phone's shell may not read its flash",
                 fmt::format("{} gives no size and no bytes", options.device),
                 std::nullopt,
                 "start a recovery with a root shell, or adb root; where su is installed: --adb-root \"su -c\"",
                 {}};
}

} // namespace

Result<std::unique_ptr<FlashReader>> open_adb(const AdbOptions& options, const RunContext& context)
{
    if (!is_plain_path(options.device)) {
        return invalid_argument("that is no device on a phone", printable(options.device),
                                "name it as the phone does: /dev/block/mmcblk0, /dev/block/sda");
    }
    Adb adb{options};
    SALVAGE_TRY(adb.check_is_there(context));
    const auto size = SALVAGE_TRY(size_of(adb, options.device, context));
    const auto is_readable = size && size->value > 0 ? can_read(adb, context) : Result<bool>{false};
    if (!SALVAGE_TRY(Result<bool>{is_readable})) {
        return cannot_read(options);
    }
    StorageInfo info;
    const auto name = options.device.substr(options.device.rfind('/') + 1);
    info.kind = name.starts_with("mmcblk") ? StorageKind::emmc
                : name.starts_with("sd")   ? StorageKind::ufs
                                           : StorageKind::block_device;
    const auto logical =
        SALVAGE_TRY(adb.ask(fmt::format("cat /sys/class/block/{}/queue/logical_block_size", name), context));
    info.block = ByteCount{number(logical).value_or(sector_bytes)};
    info.regions.push_back({.name = "user", .id = 0, .size = *size});
    for (const std::uint32_t boot : {0U, 1U}) {
        const auto boot_size = SALVAGE_TRY(size_of(adb, fmt::format("{}boot{}", options.device, boot), context));
        if (boot_size && boot_size->value > 0) {
            info.regions.push_back({.name = fmt::format("boot{}", boot + 1), .id = boot + 1, .size = *boot_size});
        }
    }
    const auto cid = SALVAGE_TRY(adb.ask(fmt::format("cat /sys/class/block/{}/device/cid", name), context));
    const auto bytes = from_hex(cid);
    if (bytes.has_value() && !bytes->empty()) {
        info.cid = *bytes;
    }
    auto identity = info.cid.empty() ? std::string{} : "emmc " + to_hex(info.cid);
    if (identity.empty()) {
        const auto serial = SALVAGE_TRY(run_adb(adb.host({"get-serialno"}), options.silence, context));
        identity = fmt::format("adb {} {} {} bytes", printable(trimmed(serial.out)), options.device, size->value);
    }
    return std::make_unique<AdbReader>(std::move(adb), std::move(info), std::move(identity));
}

} // namespace salvage::device
