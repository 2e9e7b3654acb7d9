// A bootloader made of software: commands in, answers out, over any medium.  Private to the box.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "device/phone/faults.hpp"
#include "fastboot_link.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/phone.hpp"

namespace salvage::device {

/// What of a phone outlives one host.
class FastbootPhone {
public:
    /// All outlive it.
    FastbootPhone(PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter);

    enum class End : std::uint8_t { host_is_gone, is_rebooted, is_stopped };
    /// Serves one host.  Errors: disconnected (by the fault), malformed, io.
    Result<End> serve(FastbootPhoneLink& link, const RunContext& context);

    [[nodiscard]] const FastbootPhoneOptions& options() const noexcept { return *options_; }
    [[nodiscard]] bool is_unlocked() const noexcept { return is_unlocked_; }
    [[nodiscard]] const PhonePartition* find(std::string_view name) const noexcept;

    /// What to answer, without its OKAY or FAIL.
    struct Outcome {
        bool is_okay{true};
        std::string text;
        static Outcome okay(std::string_view text = {}) { return {.is_okay = true, .text = std::string{text}}; }
        static Outcome fail(std::string_view text) { return {.is_okay = false, .text = std::string{text}}; }
    };

    /// Whether a partition may be written to now; the words of the refusal.
    [[nodiscard]] std::optional<Outcome> objection(std::string_view partition) const;
    Outcome flash(std::string_view partition, ByteView image);
    Outcome erase(std::string_view partition);
    Outcome unlock();

private:
    PhoneFlash* flash_;
    const FastbootPhoneOptions* options_;
    Waiter* waiter_;
    bool is_unlocked_;
    FaultCounter faults_;
};

/// The value of a variable; nothing where the phone does not know it.
[[nodiscard]] std::optional<std::string> fastboot_variable(const FastbootPhone& phone, std::string_view name);
/// The lines of `getvar all`, each "name: value".
[[nodiscard]] std::vector<std::string> fastboot_variables(const FastbootPhone& phone);

} // namespace salvage::device
