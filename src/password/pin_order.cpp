// Rules that list likely PINs.  What each rests on, and why they stand in this order: docs/pin-order.md.
#include "password/pin_order.hpp"

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

namespace salvage::password {
namespace {

/// Collects PINs of one length; what has another length or is known already is passed over.
class PinList {
public:
    explicit PinList(unsigned digits) : digits_{digits} {}

    void add(std::string_view pin)
    {
        if (pin.size() != digits_) {
            return;
        }
        std::uint64_t number = 0;
        for (const char digit : pin) {
            number = number * 10 + static_cast<std::uint64_t>(digit - '0');
        }
        add_number(number);
    }
    void add_number(std::uint64_t number)
    {
        if (known_.insert(number).second) {
            pins_.push_back(number);
        }
    }
    void add_all(std::span<const std::string_view> pins)
    {
        for (const auto pin : pins) {
            add(pin);
        }
    }
    [[nodiscard]] unsigned digits() const noexcept { return digits_; }
    [[nodiscard]] std::vector<std::uint64_t> take() && { return std::move(pins_); }

private:
    unsigned digits_;
    std::vector<std::uint64_t> pins_;
    std::unordered_set<std::uint64_t> known_;
};

// The head of published lists of leaked PINs, and numbers that stand for words or things (5683 "love", 0007, 1337).
constexpr auto favourites = std::to_array<std::string_view>({
    // four digits
    "1234",
    "1111",
    "0000",
    "1212",
    "7777",
    "1004",
    "2000",
    "4444",
    "2222",
    "6969",
    "9999",
    "3333",
    "5555",
    "6666",
    "1122",
    "1313",
    "8888",
    "4321",
    "2001",
    "1010",
    "2580",
    "0852",
    "0007",
    "1337",
    "5683",
    "1984",
    "1123",
    "9876",
    "0123",
    "1230",
    "4200",
    "0420",
    "0911",
    "1112",
    "1414",
    "2468",
    "1357",
    "9630",
    "1470",
    "3690",
    "7410",
    "1590",
    "7530",
    // five digits
    "12345",
    "11111",
    "55555",
    "00000",
    "54321",
    "13579",
    "77777",
    "22222",
    "12321",
    "99999",
    "33333",
    "00700",
    "90210",
    "88888",
    "38317",
    "09876",
    "44444",
    "98765",
    "01234",
    "42069",
    "66666",
    "24680",
    "12344",
    "10101",
    "56789",
    // six digits
    "123456",
    "654321",
    "111111",
    "000000",
    "123123",
    "666666",
    "121212",
    "112233",
    "789456",
    "159753",
    "123321",
    "696969",
    "222222",
    "777777",
    "101010",
    "131313",
    "555555",
    "999999",
    "888888",
    "147258",
    "258369",
    "456789",
    "987654",
    "159357",
    "520520",
    "200000",
    "123654",
    "789123",
    "852456",
    "420420",
    "007007",
    "112358",
    "314159",
    "147369",
    "102030",
    "246810",
    // longer
    "1234567",
    "7654321",
    "12345678",
    "87654321",
    "11223344",
    "12341234",
    "88888888",
    "123456789",
    "987654321",
    "147258369",
    "123123123",
    "0123456789",
    "1234567890",
    "0987654321",
    "9876543210",
    "1122334455",
});

void add_repeated_digits(PinList& list)
{
    for (const char digit : std::string_view{"1234567890"}) {
        list.add(std::string(list.digits(), digit));
    }
}

/// 1234, 2345, … with 0 after 9, and the same downwards: steps of 1 and 9.  In steps of two (1357, 2468): 2 and 8.
void add_sequences(PinList& list, std::initializer_list<unsigned> steps)
{
    for (const auto step : steps) {
        for (unsigned start = 1; start <= 10; ++start) {
            std::string pin;
            for (unsigned i = 0; i < list.digits(); ++i) {
                pin.push_back(static_cast<char>('0' + (start + i * step) % 10));
            }
            list.add(pin);
        }
    }
}

/// Lines, rings and diagonals of the telephone keypad, in both directions and from every key of them.
void add_keypad_walks(PinList& list)
{
    constexpr auto walks = std::to_array<std::string_view>({
        "2580",
        "1397139713",
        "1379137913",
        "2486248624",
        "1593575915",
        "159357159357",
        "147258369",
        "741852963",
        "147852369",
        "123654789",
        "789456123",
        "7894561230",
        "1236987412369874",
        "1478963214789632",
        "25802580",
        "159753",
        "0147258369",
        "147896325",
        "123698745",
        "1470",
        "3690",
        "1590",
        "3570",
        "456852",
        "1325476980",
    });
    for (const auto walk : walks) {
        for (std::size_t start = 0; start + list.digits() <= walk.size(); ++start) {
            const std::string pin{walk.substr(start, list.digits())};
            list.add(pin);
            list.add(std::string{pin.rbegin(), pin.rend()});
        }
    }
}

/// Every block of `block_digits` digits, repeated: 1212, 123123.
void add_repeated_blocks(PinList& list, unsigned block_digits)
{
    if (list.digits() % block_digits != 0 || list.digits() == block_digits) {
        return;
    }
    const unsigned end = block_digits == 2 ? 100 : 1000;
    for (unsigned block = 0; block < end; ++block) {
        const auto text = fmt::format("{:0{}}", block, block_digits);
        std::string pin;
        while (pin.size() < list.digits()) {
            pin += text;
        }
        list.add(pin);
    }
}

/// Favourite four-digit PINs, several times: 12341234.
void add_repeated_favourites(PinList& list)
{
    if (list.digits() % 4 != 0 || list.digits() == 4) {
        return;
    }
    for (const auto number : popular_pins(4)) {
        std::string pin;
        while (pin.size() < list.digits()) {
            pin += fmt::format("{:04}", number);
        }
        list.add(pin);
    }
}

/// Mirrored halves (1221, 12321) and doubled digits (1122, 112233); up to 1000 of each.
void add_mirrors_and_pairs(PinList& list)
{
    const auto half = (list.digits() + 1) / 2;
    if (half > 3) {
        return;
    }
    const unsigned end = half == 2 ? 100 : 1000;
    for (unsigned front = 0; front < end; ++front) {
        const auto text = fmt::format("{:0{}}", front, half);
        const std::string back{text.rbegin(), text.rend()};
        list.add(text + back.substr(list.digits() % 2));
        std::string doubled;
        for (const char digit : text) {
            doubled.append(2, digit);
        }
        list.add(doubled);
    }
}

/// One digit that differs: 1112, 1121, 2111.
void add_almost_repeated(PinList& list)
{
    for (char digit = '0'; digit <= '9'; ++digit) {
        for (unsigned at = list.digits(); at-- > 0;) {
            for (char other = '0'; other <= '9'; ++other) {
                std::string pin(list.digits(), digit);
                pin[at] = other;
                list.add(pin);
            }
        }
    }
}

constexpr int middle_year = 1990; // where the birth years of people who carried these phones crowd
constexpr int first_year = 1930;
constexpr int last_year = 2029;

/// Calls with 1990, 1991, 1989, 1992, … to both ends.
template <typename Use>
void for_each_year(const Use& use)
{
    for (int distance = 0; distance <= middle_year - first_year; ++distance) {
        if (distance > 0 && middle_year + distance <= last_year) {
            use(middle_year + distance);
        }
        use(middle_year - distance);
    }
}

/// Calls with (day, month) of every day of a leap year.
template <typename Use>
void for_each_day(const Use& use)
{
    constexpr std::array days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; ++month) {
        for (int day = 1; day <= days.at(static_cast<std::size_t>(month - 1)); ++day) {
            use(day, month);
        }
    }
}

void add_years(PinList& list)
{
    for_each_year([&](int year) { list.add(fmt::format("{}", year)); });
}

void add_days(PinList& list)
{
    for_each_day([&](int day, int month) {
        list.add(fmt::format("{:02}{:02}", day, month));
        list.add(fmt::format("{:02}{:02}", month, day));
    });
}

/// 311290, 123190, 901231.
void add_short_dates(PinList& list)
{
    for_each_year([&](int year) {
        const auto short_year = year % 100;
        for_each_day([&](int day, int month) {
            list.add(fmt::format("{:02}{:02}{:02}", day, month, short_year));
            list.add(fmt::format("{:02}{:02}{:02}", month, day, short_year));
            list.add(fmt::format("{:02}{:02}{:02}", short_year, month, day));
        });
    });
}

/// 121990, 199012.
void add_months(PinList& list)
{
    for_each_year([&](int year) {
        for (int month = 1; month <= 12; ++month) {
            list.add(fmt::format("{:02}{}", month, year));
            list.add(fmt::format("{}{:02}", year, month));
        }
    });
}

/// 31121990, 12311990, 19901231.
void add_long_dates(PinList& list)
{
    for_each_year([&](int year) {
        for_each_day([&](int day, int month) {
            list.add(fmt::format("{:02}{:02}{}", day, month, year));
            list.add(fmt::format("{:02}{:02}{}", month, day, year));
            list.add(fmt::format("{}{:02}{:02}", year, month, day));
        });
    });
}

} // namespace

std::vector<std::uint64_t> popular_pins(unsigned digits)
{
    PinList list{digits};
    list.add_all(favourites);
    add_repeated_digits(list);
    add_sequences(list, {1U, 9U});
    add_years(list);
    add_sequences(list, {2U, 8U});
    add_keypad_walks(list);
    add_repeated_blocks(list, 2);
    if (digits == 4) {
        add_days(list);
    }
    add_mirrors_and_pairs(list);
    add_repeated_blocks(list, 3);
    add_repeated_favourites(list);
    if (digits == 6) {
        add_months(list);
        add_short_dates(list);
    }
    if (digits == 8) {
        add_long_dates(list);
    }
    add_almost_repeated(list);
    return std::move(list).take();
}

} // namespace salvage::password
