// One command and what the bootloader says to it.
#include "conversation.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/core/text.hpp"

namespace salvage::device {
namespace {

constexpr Timeout look_for_a_stop{50};
/// Lines to one command: `getvar all` of a phone with 128 partitions and six variables each is far below.
constexpr std::size_t max_lines = 4096;

Error refused_by(std::string_view command, std::string_view words)
{
    return Error{ErrorCode::refused,
                 fmt::format("the bootloader refuses \"{}\"", command),
                 words.empty() ? "it does not say why" : fmt::format("it says: {}", printable(words)),
                 std::nullopt,
                 {},
                 {}};
}

/// A bootloader with room for less would cut a longer command, and a cut name is another partition's.
Result<> check_command(std::string_view command)
{
    const auto is_plain = [](char letter) { return letter >= ' ' && letter <= '~'; };
    if (command.empty() || !std::ranges::all_of(command, is_plain)) {
        return invalid_argument("this is no fastboot command", fmt::format("found \"{}\"", printable(command)));
    }
    if (command.size() > safe_command_bytes) {
        return invalid_argument(
            "the command is longer than bootloaders take",
            fmt::format("\"{}\" has {} bytes, expected {} at most", command, command.size(), safe_command_bytes));
    }
    return {};
}

} // namespace

Result<> Conversation::say(std::string_view command)
{
    SALVAGE_TRY(check_command(command));
    if (broken_) {
        return Error{ErrorCode::disconnected,
                     "host and bootloader are out of step",
                     *broken_,
                     std::nullopt,
                     "connect anew; start the phone's fastboot again where that does not help",
                     {}};
    }
    return noted(link_->send(as_bytes(command), waits_.answer).in(fmt::format("sending \"{}\"", command)));
}

Result<std::string> Conversation::receive(const AnswerWait& wait)
{
    if (wait.context == nullptr && wait.silence) {
        return link_->receive(*wait.silence);
    }
    auto left = wait.silence;
    for (;;) {
        if (wait.context != nullptr && wait.context->is_stopped()) {
            return cancelled("waiting for the bootloader was stopped");
        }
        const auto slice = left ? std::min(*left, look_for_a_stop) : look_for_a_stop;
        auto answer = link_->receive(slice);
        if (answer.has_value() || answer.error().code != ErrorCode::timed_out) {
            return answer;
        }
        if (left) {
            *left -= slice;
            if (*left <= Timeout{0}) {
                return Error{ErrorCode::timed_out,
                             "the bootloader is silent",
                             fmt::format("waited {} s for {}", wait.silence->count() / 1000, link_->name()),
                             std::nullopt,
                             {},
                             {}};
            }
        }
    }
}

Result<Answer> Conversation::hear(std::string_view command, const AnswerWait& wait, const Fastboot::Listener& listener)
{
    for (std::size_t lines = 0; lines <= max_lines; ++lines) {
        const auto bytes = SALVAGE_TRY(receive(wait).in(fmt::format("waiting for the answer to \"{}\"", command)));
        auto answer = SALVAGE_TRY(parse_answer(bytes).in(fmt::format("reading the answer to \"{}\"", command)));
        if (answer.kind == Answer::Kind::fail) {
            return refused_by(command, answer.text);
        }
        if (answer.kind != Answer::Kind::line) {
            return answer;
        }
        if (listener) {
            listener(answer.text);
        }
    }
    return malformed(ByteOffset{0}, "the bootloader does not come to an end",
                     fmt::format("more than {} lines to \"{}\"", max_lines, command));
}

Result<std::string> Conversation::ask(std::string_view command, const AnswerWait& wait)
{
    return ask(command, wait, listener_);
}

Result<std::string> Conversation::ask(std::string_view command, const AnswerWait& wait,
                                      const Fastboot::Listener& listener)
{
    SALVAGE_TRY(say(command));
    auto answer = SALVAGE_TRY(noted(hear(command, wait, listener)));
    if (answer.kind == Answer::Kind::data) {
        return noted(Result<std::string>{malformed(ByteOffset{0}, "the bootloader asks for data nobody offered",
                                                   fmt::format("DATA in answer to \"{}\"", command))});
    }
    return std::move(answer.text);
}

Result<> Conversation::download(const io::ByteSource& data, const Sent& sent)
{
    const auto size = data.size().value;
    if (size == 0 || size > std::numeric_limits<std::uint32_t>::max()) {
        return invalid_argument("this cannot be one download",
                                fmt::format("{}, expected 1 byte to 4 GiB", format_size_exact(data.size())));
    }
    const auto command = fmt::format("download:{:08x}", size);
    SALVAGE_TRY(say(command));
    const AnswerWait wait{.silence = waits_.answer, .context = nullptr};
    const auto answer = SALVAGE_TRY(noted(hear(command, wait, listener_)));
    if (answer.kind != Answer::Kind::data || answer.size != size) {
        const auto found = answer.kind == Answer::Kind::data ? fmt::format("it wants {} bytes", answer.size)
                                                             : fmt::format("it says OKAY {}", printable(answer.text));
        return noted(Result<>{malformed(ByteOffset{0}, "the bootloader does not take the download as it was offered",
                                        fmt::format("{}, expected {}", found, size))});
    }
    SALVAGE_TRY(noted(send_all(data, sent)));
    // Buffers on the way hold MiBs; over a slow link the last of them takes longer than an answer.
    SALVAGE_TRY(noted(hear(command, {.silence = waits_.work, .context = nullptr}, listener_)));
    return {};
}

Result<> Conversation::send_all(const io::ByteSource& data, const Sent& sent)
{
    const auto size = data.size().value;
    Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, download_step_bytes)));
    for (std::uint64_t at = 0; at < size;) {
        const auto step =
            std::span{buffer}.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at)));
        SALVAGE_TRY(data.read_at(ByteOffset{at}, step).in("reading what is to be flashed"));
        SALVAGE_TRY(link_->send(step, waits_.answer).in("sending the image"));
        at += step.size();
        sent(at);
    }
    return {};
}

Result<> Conversation::say_goodbye(std::string_view command)
{
    SALVAGE_TRY(say(command));
    const AnswerWait wait{.silence = waits_.answer, .context = nullptr};
    const auto answer = noted(hear(command, wait, listener_));
    if (!answer.has_value() && answer.error().code != ErrorCode::disconnected) {
        return answer.error();
    }
    return {};
}

} // namespace salvage::device
