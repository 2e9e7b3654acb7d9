// read: the flash of a phone, or of a chip taken out of one, into files.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "options.hpp"
#include "phone_port.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/sources.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct ReadVerbOptions {
    std::string out;
    PhonePortOptions phone;
    std::string device;
    bool is_adb{false};
    device::AdbOptions adb;
    bool is_info{false};
    std::vector<std::string> regions;
    bool all_regions{false};
    std::string range;
    std::vector<std::string> partitions;
    unsigned retries{1};
    bool is_verify{false};
    bool is_adopt{false};
    std::string then{"off"};
};

/// "stay" is nothing.
std::optional<device::FlashReader::Goodbye> goodbye_of(const std::string& word)
{
    using Goodbye = device::FlashReader::Goodbye;
    if (word == "stay") {
        return std::nullopt;
    }
    return word == "boot" ? Goodbye::boot : word == "fastboot" ? Goodbye::fastboot : Goodbye::power_off;
}

/// "START+SIZE" in any notation of a quantity.
Result<ByteRange> parse_range(const std::string& text)
{
    const auto plus = text.find('+');
    if (plus == std::string::npos) {
        return invalid_argument("that is no range", printable(text), "give START+SIZE: 0x3bc8000+32MiB");
    }
    const auto start = SALVAGE_TRY(parse_quantity(text.substr(0, plus)).in("reading --range"));
    const auto size = SALVAGE_TRY(parse_quantity(text.substr(plus + 1)).in("reading --range"));
    const auto range = ByteRange::make(ByteOffset{start}, ByteCount{size});
    return range ? Result<ByteRange>{*range} : invalid_argument("the range ends past 2^64", printable(text));
}

/// Opens, and once it was there, waits for it to come back: a reader on a loose cable, a phone that restarts.
device::Connect returning(std::function<Result<std::unique_ptr<device::FlashReader>>(const RunContext&)> open,
                          std::chrono::seconds patience, Session& session)
{
    return [open = std::move(open), patience, &session,
            was_there = false](const RunContext& context) mutable -> Result<std::unique_ptr<device::FlashReader>> {
        constexpr std::chrono::milliseconds pause{250};
        auto opened = open(context);
        if (was_there && !opened.has_value()) {
            session.say("the device went away; waiting for it to come back\n");
        }
        for (auto waited = pause; was_there && !opened.has_value() && waited < patience; waited += pause) {
            const auto code = opened.error().code;
            if (context.is_stopped() || (code != ErrorCode::not_found && code != ErrorCode::disconnected)) {
                break;
            }
            std::this_thread::sleep_for(pause);
            opened = open(context);
        }
        was_there = was_there || opened.has_value();
        return context.is_stopped() && !opened.has_value() ? cancelled("waiting for the device") : std::move(opened);
    };
}

/// The one place where it is decided what is read from.
Result<device::Connect> connector(const ReadVerbOptions& options, Session& session)
{
    const auto sources =
        (options.device.empty() ? 0 : 1) + (options.is_adb ? 1 : 0) + (options.phone.is_given() ? 1 : 0);
    if (sources > 1) {
        return invalid_argument("more than one source is named", "one of --device, --adb and a phone's port is read");
    }
    const std::chrono::seconds patience{options.phone.wait_seconds};
    if (!options.device.empty()) {
        return returning([path = options.device](const RunContext&) { return device::open_block_device(path); },
                         patience, session);
    }
    if (options.is_adb) {
        return returning([adb = options.adb](const RunContext& context) { return device::open_adb(adb, context); },
                         patience, session);
    }
    return options.phone.reader(session);
}

/// The evidence is never written to.
Result<> check_is_another_file(const ReadVerbOptions& options)
{
    for (const auto* const ending : {"", ".partial"}) {
        std::error_code ignored;
        if (!options.device.empty() && std::filesystem::equivalent(options.device, options.out + ending, ignored)) {
            return invalid_argument("the source and the target are one file", printable(options.device),
                                    "name another file with -o");
        }
    }
    return {};
}

Result<rescue::ReadOptions> request_of(const ReadVerbOptions& options)
{
    rescue::ReadOptions out;
    out.regions = options.regions;
    out.all_regions = options.all_regions;
    out.partitions = options.partitions;
    out.retries = options.retries;
    out.verify = options.is_verify ? rescue::Verify::yes : rescue::Verify::no;
    out.foreign_map = options.is_adopt ? rescue::ForeignMap::adopt : rescue::ForeignMap::refuse;
    out.goodbye = goodbye_of(options.then);
    if (!options.range.empty()) {
        out.range = SALVAGE_TRY(parse_range(options.range));
    }
    return out;
}

Result<> run_read(const ReadVerbOptions& options, Session& session)
{
    const auto request = SALVAGE_TRY(request_of(options));
    const auto connect = SALVAGE_TRY(connector(options, session));
    const auto context = session.context();
    if (options.is_info) {
        const auto report = SALVAGE_TRY(rescue::read_storage_info(connect, goodbye_of(options.then), context));
        show(session, report);
        return {};
    }
    if (options.out.empty()) {
        return invalid_argument("no file is named to read into", {}, "give -o DUMP; or --info to look only");
    }
    SALVAGE_TRY(check_is_another_file(options));
    const auto report = SALVAGE_TRY(rescue::read_flash(connect, options.out, request, context));
    show(session, report);
    const auto is_short = report.lost().value > 0 || report.unverified().value > 0;
    session.finish(is_short ? static_cast<int>(Exit::damaged) : 0);
    return {};
}

} // namespace

void add_read(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "read", "read the whole flash of a phone or a chip into files; goes on where it was interrupted",
             "salvage read --da MTK_AllInOne_DA.bin -o phone.img\n  salvage read --device /dev/sdb -o phone.img\n  "
             "salvage read --adb -o phone.img\n  salvage read --da MTK_AllInOne_DA.bin --info");
    const auto options = std::make_shared<ReadVerbOptions>();
    command.add_option("-o,--out", options->out, "file for the user area; the other files get names beside it");
    command.add_flag("--info", options->is_info, "only say what the flash is: kind, regions, sizes, CID");
    options->phone.add_to(command);
    const auto* const other = "Other sources";
    command.add_option("--device", options->device, "a block device or file: a chip in a reader, a phone as a disk")
        ->group(other);
    command.add_flag("--adb", options->is_adb, "a phone with a root or recovery shell, through adb")->group(other);
    command.add_option("--adb-program", options->adb.program, "the adb program")->capture_default_str()->group(other);
    command.add_option("--adb-serial", options->adb.serial, "adb's name of the phone, where there are several")
        ->group(other);
    command.add_option("--adb-device", options->adb.device, "the flash on that phone")
        ->capture_default_str()
        ->group(other);
    command.add_option("--adb-root", options->adb.become_root, "put before each command there: \"su -c\"")
        ->group(other);
    const auto* const what = "What";
    command.add_option("--region", options->regions, "only these regions: user, boot1, rpmb … (repeatable)")
        ->group(what);
    command.add_flag("--all-regions", options->all_regions, "every region of the flash")->group(what);
    command.add_option("--range", options->range, "only START+SIZE of the user area: 0x3bc8000+32MiB")->group(what);
    command.add_option("--partition", options->partitions, "only these partitions (repeatable)")->group(what);
    command.add_option("--retries", options->retries, "how often bad sectors are asked for again")
        ->capture_default_str()
        ->group(what);
    command.add_flag("--verify", options->is_verify, "read everything a second time and compare")->group(what);
    command.add_flag("--adopt", options->is_adopt, "go on with an image and a map that ddrescue left")->group(what);
    command
        .add_option("--then", options->then,
                    "what the phone does when all is read: off, boot (Android), fastboot, stay")
        ->check(CLI::IsMember({"off", "boot", "fastboot", "stay"}))
        ->capture_default_str()
        ->group(what);
    add_output_options(command, session);
    on_chosen(command, session, options, run_read);
}

} // namespace salvage::cli
