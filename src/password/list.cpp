// Given secrets in order, and keyspaces one after another.
#include "salvage/password/search.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::password {
namespace {

class List final : public Keyspace {
public:
    List(std::vector<SecretBytes> secrets, std::string description, std::string encoding)
        : secrets_{std::move(secrets)}, description_{std::move(description)}, encoding_{std::move(encoding)}
    {
        crypto::Sha256 hash;
        for (const auto& secret : secrets_) {
            std::array<std::byte, sizeof(std::uint64_t)> length{};
            store_le<std::uint64_t>(length, secret.size());
            hash.update(length);
            hash.update(secret.expose());
        }
        const auto digest = hash.finish();
        check_ = to_hex(ByteView{digest}.first(2));
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{secrets_.size()}; }

    Result<> candidate(std::uint64_t index, std::string& into) const override
    {
        if (index >= secrets_.size()) {
            return beyond_end(index, secrets_.size());
        }
        into = as_text(secrets_[index].expose());
        return {};
    }

    [[nodiscard]] std::string encoding(std::uint64_t /*index*/) const override { return encoding_; }

    /// Identities are written to files and into messages, so this one has 16 bits of a hash and no more: enough to
    /// notice another list, useless for guessing what is in this one.
    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("list:{}:{}:check={}", encoding_, secrets_.size(), check_);
    }

    [[nodiscard]] std::string description() const override { return description_; }

private:
    std::vector<SecretBytes> secrets_;
    std::string description_;
    std::string encoding_;
    std::string check_;
};

class Chain final : public Keyspace {
public:
    Chain(std::vector<KeyspacePtr> parts, std::vector<std::uint64_t> ends)
        : parts_{std::move(parts)}, ends_{std::move(ends)}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{ends_.empty() ? 0 : ends_.back()}; }

    Result<> candidate(std::uint64_t index, std::string& into) const override
    {
        if (index >= size().value) {
            return beyond_end(index, size().value);
        }
        const auto part = part_of(index);
        return parts_[part]->candidate(index - start_of(part), into);
    }

    Result<> candidates(std::uint64_t first, std::span<std::string> into) const override
    {
        while (!into.empty()) {
            if (first >= size().value) {
                return beyond_end(first, size().value);
            }
            const auto part = part_of(first);
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), ends_[part] - first));
            SALVAGE_TRY(parts_[part]->candidates(first - start_of(part), into.first(count)));
            into = into.subspan(count);
            first += count;
        }
        return {};
    }

    [[nodiscard]] std::string encoding(std::uint64_t index) const override
    {
        if (index >= size().value) {
            return "text";
        }
        const auto part = part_of(index);
        return parts_[part]->encoding(index - start_of(part));
    }

    [[nodiscard]] std::string identity() const override { return joined("+", &Keyspace::identity); }
    [[nodiscard]] std::string description() const override { return joined(", then ", &Keyspace::description); }

private:
    /// The part that holds `index`.  Empty parts hold nothing: the first end beyond the index is never theirs.
    [[nodiscard]] std::size_t part_of(std::uint64_t index) const
    {
        return static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
    }
    [[nodiscard]] std::uint64_t start_of(std::size_t part) const { return part == 0 ? 0 : ends_[part - 1]; }

    [[nodiscard]] std::string joined(std::string_view separator, std::string (Keyspace::*text)() const) const
    {
        std::string out;
        for (const auto& part : parts_) {
            out += out.empty() ? "" : separator;
            out += (*part.*text)();
        }
        return out;
    }

    std::vector<KeyspacePtr> parts_;
    std::vector<std::uint64_t> ends_;
};

} // namespace

KeyspacePtr make_list(std::vector<std::string> secrets, std::string description, std::string encoding)
{
    std::vector<SecretBytes> kept;
    kept.reserve(secrets.size());
    for (auto& secret : secrets) {
        kept.push_back(SecretBytes::copy_of(as_bytes(secret)));
        wipe(std::as_writable_bytes(std::span{secret}));
    }
    return std::make_shared<const List>(std::move(kept), std::move(description), std::move(encoding));
}

Result<KeyspacePtr> make_chain(std::vector<KeyspacePtr> parts)
{
    std::vector<std::uint64_t> ends;
    std::uint64_t end = 0;
    for (const auto& part : parts) {
        const auto sum = checked_add(end, part->size().value);
        if (!sum) {
            return invalid_argument("these keyspaces are too large together",
                                    fmt::format("{} and {} candidates do not fit in 64 bits", end, part->size().value),
                                    "search them one after another");
        }
        end = *sum;
        ends.push_back(end);
    }
    return KeyspacePtr{std::make_shared<const Chain>(std::move(parts), std::move(ends))};
}

} // namespace salvage::password
