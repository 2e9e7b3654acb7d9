// Entries of an exFAT in memory, found by name and changed with their checksum.
#pragma once

#include <cstring>

#include "card_images.hpp"

namespace salvage::test {

constexpr std::size_t exfat_slot = 32;

/// A set of entries in an image: live ones and deleted ones alike.
class ExfatSet {
public:
    ExfatSet(Bytes& image, std::size_t at) : image_{&image}, at_{at} {}

    /// The set of the file `name`, which has fifteen characters of ASCII at most.
    static ExfatSet of(Bytes& image, std::string_view name)
    {
        for (std::size_t at = 0; at + 3 * exfat_slot <= image.size(); at += exfat_slot) {
            const ExfatSet set{image, at};
            const bool is_set = (set.byte(0) & 0x7FU) == 0x05 && (set.byte(exfat_slot) & 0x7FU) == 0x40 &&
                                set.byte(exfat_slot + 3) == name.size();
            bool fits = is_set;
            for (std::size_t i = 0; fits && i < std::min<std::size_t>(name.size(), 15); ++i) {
                fits = set.byte(2 * exfat_slot + 2 + 2 * i) == static_cast<unsigned char>(name[i]);
            }
            if (fits) {
                return set;
            }
        }
        throw std::runtime_error{"no such entry"};
    }

    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::uint8_t byte(std::size_t at) const { return std::to_integer<std::uint8_t>((*image_)[at_ + at]); }
    [[nodiscard]] std::uint32_t first_cluster() const
    {
        return load_le<std::uint32_t>(ByteView{*image_}.subspan(at_ + exfat_slot + 20));
    }
    [[nodiscard]] std::uint64_t size() const
    {
        return load_le<std::uint64_t>(ByteView{*image_}.subspan(at_ + exfat_slot + 24));
    }

    void set_attributes(std::uint16_t attributes) { store_le<std::uint16_t>(span(4), attributes), seal(); }
    void set_contiguous(bool is_contiguous)
    {
        (*image_)[at_ + exfat_slot + 1] = is_contiguous ? std::byte{3} : std::byte{1};
        seal();
    }
    void set_first_cluster(std::uint32_t cluster) { store_le<std::uint32_t>(span(exfat_slot + 20), cluster), seal(); }
    void set_size(std::uint64_t size)
    {
        store_le<std::uint64_t>(span(exfat_slot + 8), size);
        store_le<std::uint64_t>(span(exfat_slot + 24), size);
        seal();
    }
    /// `name` in the first name slot; others keep what they have.
    void set_letter(std::size_t which, char letter)
    {
        (*image_)[at_ + 2 * exfat_slot + 2 + 2 * which] = static_cast<std::byte>(letter);
        seal();
    }

    /// Spec: exFAT specification, 6.3.3; types of deleted entries count as they were.
    void seal()
    {
        std::uint16_t sum = 0;
        const auto bytes = (byte(1) + 1U) * exfat_slot;
        const bool is_deleted = (byte(0) & 0x80U) == 0;
        for (std::size_t i = 0; i < bytes; ++i) {
            if (i != 2 && i != 3) {
                const unsigned type_bit = is_deleted && i % exfat_slot == 0 ? 0x80U : 0U;
                sum = static_cast<std::uint16_t>(((sum & 1U) << 15U) + (sum >> 1U) + (byte(i) | type_bit));
            }
        }
        store_le<std::uint16_t>(span(2), sum);
    }

private:
    [[nodiscard]] std::span<std::byte> span(std::size_t at) { return std::span{*image_}.subspan(at_ + at); }

    Bytes* image_;
    std::size_t at_;
};

/// A live folder of three slots, its name one letter.
inline Bytes exfat_folder(char letter, std::uint32_t first_cluster, std::uint64_t bytes)
{
    Bytes out(3 * exfat_slot);
    out[0] = std::byte{0x85};
    out[1] = std::byte{2};
    out[exfat_slot] = std::byte{0xC0};
    out[exfat_slot + 3] = std::byte{1};
    out[2 * exfat_slot] = std::byte{0xC1};
    ExfatSet set{out, 0};
    set.set_attributes(0x10);
    set.set_contiguous(true);
    set.set_first_cluster(first_cluster);
    set.set_size(bytes);
    set.set_letter(0, letter);
    return out;
}

/// Where the table's entry of a cluster lies in the kept exFAT.
inline std::size_t exfat_link_at(const Bytes& image, std::uint32_t cluster)
{
    return load_le<std::uint32_t>(ByteView{image}.subspan(80)) * std::size_t{512} + std::size_t{cluster} * 4;
}

} // namespace salvage::test
