// One host's session with the simulated bootloader: commands, downloads, and the faults on the way.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "device/fastboot/limits.hpp"
#include "fastboot_phone.hpp"

namespace salvage::device {
namespace {

using Outcome = FastbootPhone::Outcome;
using End = FastbootPhone::End;

constexpr Timeout slice{50};
constexpr std::size_t data_step_bytes = 64U << 10U;

/// The link with the phone's faults on it, each wait in slices so that a stop is heard.
class Line {
public:
    Line(FastbootPhoneLink& link, FaultCounter& faults, Waiter& waiter, const RunContext& context)
        : link_{&link}, faults_{&faults}, waiter_{&waiter}, context_{&context}
    {
    }

    Result<std::string> command()
    {
        std::string text;
        while (text.empty()) {
            text = SALVAGE_TRY(again([&] { return link_->receive_command(slice); }));
            text.resize(SALVAGE_TRY(cross(text)));
        }
        return text;
    }
    Result<std::size_t> data(std::span<std::byte> into)
    {
        std::size_t count = 0;
        while (count == 0) {
            count = SALVAGE_TRY(again([&] { return link_->receive_data(into, slice); }));
            count = SALVAGE_TRY(cross(into.first(count)));
        }
        return count;
    }
    /// What a pulled cable or a stall cuts does not arrive at all: no medium hands half a message on.
    Result<> say(std::string_view code, std::string_view text)
    {
        auto bytes = fmt::format("{}{}", code, text);
        if (code == "OKAY" && faults_->takes_error_status()) {
            bytes = "FAILthis error was asked for";
        }
        bytes.resize(std::min(bytes.size(), max_answer_bytes));
        bytes.resize(SALVAGE_TRY(cross(bytes)));
        return bytes.empty() ? Result<>{} : again([&] { return link_->answer(bytes, slice); });
    }

private:
    template <typename Step>
    auto again(const Step& step) -> decltype(step())
    {
        for (;;) {
            auto result = step();
            if (result.has_value() || result.error().code != ErrorCode::timed_out) {
                return result;
            }
            if (context_->is_stopped()) {
                return cancelled("the phone was switched off");
            }
        }
    }

    /// A transfer crosses the link, spoiled where that is due; how much of it arrives.
    Result<std::size_t> cross(std::span<std::byte> transfer)
    {
        SALVAGE_TRY(take_time(faults_->time_of(transfer.size())));
        const auto passage = faults_->pass(transfer);
        switch (passage.cable) {
        case FaultCounter::Cable::sound: return passage.left;
        case FaultCounter::Cable::pulled:
            return Error{
                ErrorCode::disconnected, "the cable was pulled", "this fault was asked for", std::nullopt, {}, {}};
        case FaultCounter::Cable::silent: return hang();
        }
        return passage.left;
    }
    Result<std::size_t> cross(std::string& text) { return cross(std::as_writable_bytes(std::span<char>{text})); }

    /// Takes what comes and says nothing more.
    Error hang()
    {
        while (!context_->is_stopped()) {
            if (auto swallowed = again([&] { return link_->swallow(slice); }); !swallowed.has_value()) {
                return std::move(swallowed).error();
            }
        }
        return cancelled("the phone was switched off");
    }

    /// In slices: a slow link may take minutes.
    Result<> take_time(std::chrono::nanoseconds time)
    {
        while (time.count() > 0) {
            if (context_->is_stopped()) {
                return cancelled("the phone was switched off");
            }
            const auto part = std::min<std::chrono::nanoseconds>(time, slice);
            waiter_->wait(part);
            time -= part;
        }
        return {};
    }

    FastbootPhoneLink* link_;
    FaultCounter* faults_;
    Waiter* waiter_;
    const RunContext* context_;
};

class Session {
public:
    Session(FastbootPhone& phone, const Line& line) : phone_{&phone}, line_{line} {}

    /// Until the phone reboots.
    Result<> run()
    {
        for (;;) {
            const auto command = SALVAGE_TRY(line_.command());
            if (command == "continue" || command == "reboot" || command.starts_with("reboot-")) {
                return line_.say("OKAY", {});
            }
            SALVAGE_TRY(obey(command));
        }
    }

private:
    Result<> obey(std::string_view command)
    {
        const auto rest_of = [&](std::string_view prefix) { return command.substr(prefix.size()); };
        if (command == "getvar:all") {
            return all_variables();
        }
        if (command.starts_with("getvar:")) {
            return variable(rest_of("getvar:"));
        }
        if (command.starts_with("download:")) {
            return download(rest_of("download:"));
        }
        if (command.starts_with("flash:")) {
            const auto outcome = phone_->flash(rest_of("flash:"), download_);
            download_ = {};
            return say(outcome);
        }
        if (command.starts_with("erase:")) {
            return say(phone_->erase(rest_of("erase:")));
        }
        if (command == "oem unlock" || command == "flashing unlock") {
            SALVAGE_TRY(line_.say("INFO", "press volume up on the phone to unlock it; this erases userdata"));
            return say(phone_->unlock());
        }
        return line_.say("FAIL", "unknown command");
    }

    Result<> say(const Outcome& outcome) { return line_.say(outcome.is_okay ? "OKAY" : "FAIL", outcome.text); }

    Result<> variable(std::string_view name)
    {
        const auto value = fastboot_variable(*phone_, name);
        if (!value && !phone_->options().has_empty_okay) {
            return line_.say("FAIL", "GetVar Variable Not found");
        }
        return line_.say("OKAY", value.value_or(""));
    }

    Result<> all_variables()
    {
        for (const auto& line : fastboot_variables(*phone_)) {
            SALVAGE_TRY(line_.say("INFO", "\t" + line));
        }
        return line_.say("OKAY", "Done!!");
    }

    Result<> download(std::string_view digits)
    {
        std::uint32_t size = 0;
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
        if (problem != std::errc{} || end != digits.data() + digits.size() || size == 0) {
            return line_.say("FAIL", "the size is not understood");
        }
        if (size > phone_->options().max_download.value) {
            return line_.say("FAIL", "data too large");
        }
        SALVAGE_TRY(line_.say("DATA", fmt::format("{:08x}", size)));
        return take(size);
    }

    Result<> take(std::size_t size)
    {
        download_ = {};
        download_.reserve(size); // max_download at most
        while (download_.size() < size) {
            const auto have = download_.size();
            download_.resize(have + std::min(data_step_bytes, size - have));
            const auto got = SALVAGE_TRY(line_.data(std::span{download_}.subspan(have)));
            download_.resize(have + got);
        }
        return line_.say("OKAY", {});
    }

    FastbootPhone* phone_;
    Line line_;
    Bytes download_;
};

} // namespace

Result<FastbootPhone::End> FastbootPhone::serve(FastbootPhoneLink& link, const RunContext& context)
{
    const auto had_pull = faults_.has_pull();
    const auto ended = Session{*this, Line{link, faults_, *waiter_, context}}.run();
    if (ended.has_value()) {
        return End::is_rebooted;
    }
    if (ended.error().code == ErrorCode::cancelled) {
        return End::is_stopped;
    }
    const bool is_by_fault = had_pull && !faults_.has_pull();
    if (ended.error().code == ErrorCode::disconnected && !is_by_fault) {
        return End::host_is_gone;
    }
    return ended.error();
}

} // namespace salvage::device
