// One command and what the bootloader says to it; private to the box.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/fastboot.hpp"

namespace salvage::device {

/// How long the bootloader may be silent, and who may end the wait.
struct AnswerWait {
    std::optional<Timeout> silence; ///< nothing: as long as it takes
    const RunContext* context{};    ///< looked at every 50 ms; nothing: cannot be stopped
};

class Conversation {
public:
    Conversation(std::unique_ptr<FastbootLink> link, Fastboot::Listener listener, FastbootWaits waits)
        : link_{std::move(link)}, listener_{std::move(listener)}, waits_{waits}
    {
    }

    /// Sends a command, hears its lines, and returns the text of its OKAY.
    /// Errors: those of Fastboot.
    [[nodiscard]] Result<std::string> ask(std::string_view command, const AnswerWait& wait);
    /// As ask, with the lines going to `listener` instead.
    [[nodiscard]] Result<std::string> ask(std::string_view command, const AnswerWait& wait,
                                          const Fastboot::Listener& listener);
    /// Hears of each step that was sent; bytes in all.
    using Sent = std::function<void(std::uint64_t bytes)>;
    /// download:…, its data, and the OKAY.
    Result<> download(const io::ByteSource& data, const Sent& sent);
    /// Sends a command whose answer may be lost because the phone goes.
    Result<> say_goodbye(std::string_view command);
    [[nodiscard]] const FastbootWaits& waits() const noexcept { return waits_; }

private:
    Result<> say(std::string_view command);
    /// The answer that ends a command: OKAY or DATA.
    [[nodiscard]] Result<Answer> hear(std::string_view command, const AnswerWait& wait,
                                      const Fastboot::Listener& listener);
    [[nodiscard]] Result<std::string> receive(const AnswerWait& wait);
    Result<> send_all(const io::ByteSource& data, const Sent& sent);
    /// Notes an error after which the two ends are out of step.
    template <typename T>
    Result<T> noted(Result<T> result)
    {
        if (!result.has_value() && result.error().code != ErrorCode::refused) {
            broken_ = to_string(result.error());
        }
        return result;
    }

    std::unique_ptr<FastbootLink> link_;
    Fastboot::Listener listener_;
    FastbootWaits waits_;
    std::optional<std::string> broken_; ///< by what
};

} // namespace salvage::device
