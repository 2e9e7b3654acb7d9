// What tests of searches are made of: numbers as candidates, targets that count, devices that derive nothing.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "salvage/password/search.hpp"

namespace salvage::password::test {

/// "0", "1", …; from `broken_at` on no candidate can be had; those in `rejected` stand for none.
class Numbers final : public Keyspace {
public:
    explicit Numbers(std::uint64_t size, std::optional<std::uint64_t> broken_at = {})
        : size_{size}, broken_at_{broken_at}
    {
    }
    Candidates size() const noexcept override { return Candidates{size_}; }
    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        for (std::size_t i = 0; i < into.size(); ++i) {
            if (broken_at_ && first + i >= *broken_at_) {
                return Error{
                    ErrorCode::io, fmt::format("candidate {} cannot be read", first + i), {}, std::nullopt, {}, {}};
            }
            into[i].bytes = fmt::format("{}", first + i);
            into[i].is_rejected = rejected.contains(first + i);
        }
        return into.size();
    }
    std::string identity() const override { return fmt::format("numbers:{}", size_); }
    std::string description() const override { return "numbers"; }

    std::set<std::uint64_t> rejected;

private:
    std::uint64_t size_;
    std::optional<std::uint64_t> broken_at_;
};

inline std::uint64_t number_of(ByteView candidate)
{
    return std::stoull(std::string{as_text(candidate)});
}

/// Derives nothing.  Fails for good once `answers` are used up.
class FakeDevice final : public crypto::KdfDevice {
public:
    explicit FakeDevice(std::optional<unsigned> answers = {}) : answers_{answers} {}
    std::string name() const override { return "fake"; }
    std::size_t batch_size(const crypto::KdfJob& /*job*/) const noexcept override { return 1; }
    Result<> derive(const crypto::KdfJob& /*job*/, std::span<const ByteView> /*secrets*/,
                    std::span<std::byte> /*keys*/) override
    {
        if (answers_ && *answers_ == 0) {
            is_lost_ = true;
            return Error{ErrorCode::io, "the device fell from the bus", {}, std::nullopt, {}, {}};
        }
        if (answers_) {
            --*answers_;
        }
        return {};
    }
    bool is_lost() const noexcept override { return is_lost_; }

private:
    std::optional<unsigned> answers_;
    bool is_lost_{false};
};

inline Devices fake_devices(unsigned count)
{
    Devices out;
    for (unsigned i = 0; i < count; ++i) {
        out.push_back(std::make_unique<FakeDevice>());
    }
    return out;
}

/// Counts how often each candidate was judged, and does what it is told at some of them.
class CountingTarget final : public Target {
public:
    explicit CountingTarget(std::uint64_t size, std::set<std::uint64_t> hits = {})
        : counts_(size), hits_{std::move(hits)}
    {
    }
    Result<bool> accepts(ByteView candidate) const
    {
        const auto number = number_of(candidate);
        ++counts_[number];
        if (at_each) {
            at_each(number);
        }
        if (errors.contains(number)) {
            return Error{ErrorCode::unreadable, fmt::format("no judging {}", number), {}, std::nullopt, {}, {}};
        }
        return hits_.contains(number);
    }
    Result<std::unique_ptr<Judge>> make_judge(crypto::KdfDevice& device) const override
    {
        return std::make_unique<CountingJudge>(*this, device);
    }
    Result<std::vector<std::string>> proof(ByteView candidate) const override
    {
        if (is_proof_broken) {
            return Error{ErrorCode::io, "no proof today", {}, std::nullopt, {}, {}};
        }
        return std::vector<std::string>{"proof of " + std::string{as_text(candidate)}};
    }
    std::string identity() const override { return name; }
    std::optional<crypto::ScryptFactors> scrypt() const noexcept override { return factors; }

    [[nodiscard]] unsigned count(std::uint64_t number) const { return counts_[number].load(); }

    std::function<void(std::uint64_t)> at_each;
    std::set<std::uint64_t> errors;
    std::size_t batch{1};
    std::optional<crypto::ScryptFactors> factors;
    std::string name{"counting"};
    bool is_proof_broken{false};

private:
    class CountingJudge final : public Judge {
    public:
        CountingJudge(const CountingTarget& target, crypto::KdfDevice& device) : target_{&target}, device_{&device} {}
        std::size_t batch_size() const noexcept override { return target_->batch; }
        Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> given) override
        {
            SALVAGE_TRY(device_->derive({}, given, {}));
            for (std::size_t i = 0; i < given.size(); ++i) {
                if (SALVAGE_TRY(target_->accepts(given[i]))) {
                    return std::optional{i};
                }
            }
            return std::optional<std::size_t>{};
        }

    private:
        const CountingTarget* target_;
        crypto::KdfDevice* device_;
    };

    mutable std::vector<std::atomic<unsigned>> counts_;
    std::set<std::uint64_t> hits_;
};

/// Moves on by `step` whenever it is asked.
class FakeClock final : public Clock {
public:
    explicit FakeClock(std::chrono::nanoseconds step) : step_{step.count()} {}
    std::chrono::nanoseconds now() const override { return std::chrono::nanoseconds{time_.fetch_add(step_)}; }
    std::chrono::seconds wall_time() const override { return std::chrono::seconds{0}; }

private:
    std::int64_t step_;
    mutable std::atomic<std::int64_t> time_{0};
};

/// One target, so many fake devices.
inline Result<SearchResult> run(const Keyspace& keyspace, const Target& target, unsigned devices,
                                const SearchOptions& options = {}, const RunContext& context = {})
{
    const Target* const one = &target;
    return search(keyspace, std::span{&one, 1}, fake_devices(devices), options, context);
}

} // namespace salvage::password::test
