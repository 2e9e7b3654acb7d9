// A phone for tests of restoring: partitions in memory, faults on demand, and a record of every write.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "salvage/rescue/restore.hpp"

namespace salvage::test {

/// A target in memory.  Pieces are of `piece` bytes.
class FakeTarget final : public rescue::RestoreTarget {
public:
    explicit FakeTarget(rescue::RestoreTool tool) : tool_{tool} {}

    rescue::PhoneFacts says;
    std::map<std::string, Bytes, std::less<>> partitions;
    std::map<std::string, std::uint64_t, std::less<>> starts;
    std::uint64_t piece{1U << 20U};
    /// The write with this number (from 1) fails, before or after its bytes have landed.
    std::optional<std::size_t> failing_write;
    enum class Fails : bool { before, after };
    Fails fails{Fails::before};
    std::vector<std::pair<std::string, std::size_t>> writes; ///< partition, piece

    [[nodiscard]] rescue::RestoreTool tool() const noexcept override { return tool_; }
    [[nodiscard]] Result<rescue::PhoneFacts> facts() override { return says; }
    [[nodiscard]] Result<std::optional<rescue::PhonePartitionFacts>> find(std::string_view partition) override
    {
        const auto found = partitions.find(partition);
        if (found == partitions.end()) {
            return std::optional<rescue::PhonePartitionFacts>{};
        }
        rescue::PhonePartitionFacts out{
            .name = std::string{partition}, .start = {}, .size = ByteCount{found->second.size()}};
        if (const auto start = starts.find(partition); start != starts.end()) {
            out.start = ByteOffset{start->second};
        }
        return std::optional{out};
    }
    [[nodiscard]] Result<Pieces> pieces(const rescue::RestoreStep& /*step*/, const io::SourcePtr& image) override
    {
        return Pieces{.count = static_cast<std::size_t>((image->size().value + piece - 1) / piece),
                      .most = ByteCount{piece}};
    }
    Result<> write(const rescue::RestoreStep& step, const io::SourcePtr& image, std::size_t first,
                   const PieceDone& done, const RunContext& /*context*/) override
    {
        const auto count = SALVAGE_TRY(pieces(step, image)).count;
        for (auto number = first; number < count; ++number) {
            const auto is_failing = failing_write && ++begun_ == *failing_write;
            if (is_failing && fails == Fails::before) {
                return pulled();
            }
            const auto at = number * piece;
            const auto bytes = std::min(piece, image->size().value - at);
            auto& target = partitions[step.partition];
            target.resize(std::max<std::size_t>(target.size(), at + bytes));
            SALVAGE_TRY(image->read_at(ByteOffset{at}, std::span{target}.subspan(at, bytes)));
            writes.emplace_back(step.partition, number);
            if (is_failing) {
                return pulled();
            }
            SALVAGE_TRY(done(number));
        }
        return {};
    }

    Result<> finish() override
    {
        is_finished = true;
        return {};
    }
    bool is_finished{false};

private:
    static Error pulled() { return Error{ErrorCode::disconnected, "the cable was pulled", {}, std::nullopt, {}, {}}; }

    rescue::RestoreTool tool_;
    std::size_t begun_{0};
};

} // namespace salvage::test
